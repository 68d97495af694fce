import { createClient, Refusal } from '/client/index.js' // with a bundler: from '@counterfoil/browser'

const issuer = 'http://localhost:3000'
// On the server's own origin the cookie is right: script does not see it. Elsewhere: tokens, bound to a key of this browser.
const carrier = location.origin === issuer ? 'cookie' : 'token'
const auth = createClient({ carrier, issuer })

const find = (id) => document.getElementById(id)
const messages = {
  sign_in_failed: 'Address and password do not fit.',
  too_many_attempts: 'Too many attempts. Wait a little.',
}

/** What goes wrong is shown, whatever it is. */
async function attempt(act) {
  find('message').textContent = ''
  try {
    await act()
  } catch (fault) {
    const known = fault instanceof Refusal ? (messages[fault.code] ?? fault.code) : null
    find('message').textContent = known ?? 'That did not work. Try again.'
  }
}

const onSubmit = (id, act) =>
  find(id).addEventListener('submit', (event) => {
    event.preventDefault()
    const form = event.currentTarget
    void attempt(() => act(Object.fromEntries(new FormData(form))).then(() => form.reset()))
  })

/** Like the platform's `fetch`, as whoever is signed in. */
async function ask(path, init) {
  const answer = await auth.fetch(issuer + path, init)
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}`)
  return answer
}

async function list() {
  const { session } = auth.state()
  const texts = await (await ask('/api/notes')).json()
  if (auth.state().session !== session) return // somebody else by now, or nobody
  const items = texts.map((text) => Object.assign(document.createElement('li'), { textContent: text }))
  find('notes').replaceChildren(...items)
}

/** Who is signed in may change in another tab, on another device, or by time. */
function show() {
  const { status, session } = auth.state()
  find('sign-in').hidden = status !== 'signed-out'
  find('signed-in').hidden = status !== 'signed-in'
  find('notes').replaceChildren()
  if (session === null) return
  find('who').textContent = session.account.email
  find('carrier').textContent = carrier
  void attempt(list)
}

find('sign-up').href = `${issuer}/sign-up`
onSubmit('sign-in', ({ email, password }) => auth.signIn({ email, password }))
onSubmit('add', async ({ text }) => {
  const headers = { 'content-type': 'application/json' }
  await ask('/api/notes', { method: 'POST', headers, body: JSON.stringify({ text }) })
  await list()
})
find('sign-out').addEventListener('click', () => attempt(() => auth.signOut()))
auth.subscribe(show)
void attempt(() => auth.session())
