// The page works without this file, by cookie. With it, it works by either carrier, and shows what happens as it happens.
// A token lives in these variables and nowhere else: storage is where injected script would look first.
let tokens = null
let socket = null

const counter = document.getElementById('counter')
const exchanges = document.getElementById('exchanges')
const said = document.getElementById('said')
/** This window has signed out by itself: its end is no news. */
let leaves = false

/** A request by the carrier of this window. With a token no cookie goes along, so there is nothing to forge. */
async function call(path, { method = 'GET', json = null, headers = {} } = {}) {
  const send = () =>
    fetch(path, {
      method,
      credentials: tokens === null ? 'same-origin' : 'omit',
      headers: {
        ...(tokens === null ? {} : { authorization: `Bearer ${tokens.access_token}` }),
        ...(json === null ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(json === null ? {} : { body: JSON.stringify(json) }),
    })
  const answer = await send()
  if (answer.status !== 401 || tokens === null || (await codeOf(answer)) !== 'token_expired') return answer
  return (await refresh()) ? send() : answer
}

async function refresh() {
  const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: tokens.refresh_token })
  const answer = await fetch('/oauth/token', { method: 'POST', credentials: 'omit', body })
  if (answer.ok) tokens = await answer.json()
  return answer.ok
}

async function codeOf(answer) {
  const isProblem = answer.headers.get('content-type')?.startsWith('application/problem+json')
  return isProblem ? (await answer.clone().json()).code : null
}

/** Fetches the part of the page that is about who is here. Nobody is here any more: say so. */
async function show() {
  // To look again is no sign of life: a forgotten window keeps no session alive.
  const headers = { 'counterfoil-passive': '?1' }
  const wasHere = document.getElementById('carrier') !== null
  let answer = await call('/counter', { headers })
  const isOver = wasHere && answer.status === 401
  if (answer.status === 401 && tokens !== null) {
    tokens = null
    answer = await call('/counter', { headers })
  }
  if (!answer.headers.get('content-type')?.startsWith('text/html')) return
  replaceCounter(await answer.text())
  if (isOver && !leaves) say('The session of this window is over. The panel shows how soon it was refused.')
  leaves = false
}

/** What is being typed stays where it is, and so does the focus. */
function replaceCounter(markup) {
  const typed = [...counter.querySelectorAll('input[id]')].filter(
    (input) => input.value !== input.defaultValue,
  )
  const focused = document.activeElement?.id
  counter.innerHTML = markup
  for (const { id, value } of typed) {
    const input = document.getElementById(id)
    if (input !== null) input.value = value
  }
  if (focused) document.getElementById(focused)?.focus()
  prepare()
}

function say(text) {
  said.textContent = text
  said.hidden = text === ''
}

/** This window's own act and the news of it from the panel come together: once is enough. */
let waiting = null
function showSoon() {
  clearTimeout(waiting)
  waiting = setTimeout(show, 80)
}

/** What works only with script is offered only with script. */
function prepare() {
  for (const element of counter.querySelectorAll('.scripted')) element.hidden = false
  const here = document.getElementById('carrier')?.dataset.carrier
  if (here !== 'cookie') {
    socket?.close()
    socket = null
  } else if (socket === null) {
    socket = new WebSocket('/live')
    socket.addEventListener('message', ({ data }) => {
      const balance = document.getElementById('balance')
      if (balance !== null) balance.textContent = data
    })
  }
}

async function fail(form, answer) {
  const { title, code } = await answer.json()
  const problem = form.querySelector('.problem')
  problem.textContent = wordsFor.get(code) ?? title
  problem.hidden = false
}

const wordsFor = new Map([
  ['payee_unknown', 'Nobody at this bank has that address. Nothing was paid.'],
  ['not_covered', 'Your balance does not cover that. Nothing was paid.'],
  ['amount_invalid', 'An amount looks like 25 or 25.50. Nothing was paid.'],
])

const actions = {
  async 'sign-in'(form, fields, button) {
    const carrier = button?.value ?? 'cookie'
    const json = { email: fields.get('email'), password: fields.get('password'), carrier }
    const answer = await call('/auth/sign-in', { method: 'POST', json })
    if (!answer.ok) return fail(form, answer)
    tokens = carrier === 'token' ? await answer.json() : null
    form.reset()
    say(`You are here by ${carrier}.`)
  },
  async pay(form, fields) {
    const answer = await call('/payments', { method: 'POST', json: Object.fromEntries(fields) })
    if (!answer.ok) return fail(form, answer)
    say(`Paid ${fields.get('amount')} euros to ${fields.get('to')}.`)
    form.reset()
  },
  async 'sign-out'() {
    leaves = true
    await call('/auth/sign-out', { method: 'POST' })
    tokens = null
    say('You are signed out.')
  },
  async end(_form, fields) {
    await call(`/auth/sessions/${fields.get('id')}`, { method: 'DELETE' })
    say('That session is over.')
  },
}

counter.addEventListener('submit', (event) => {
  const form = event.target
  const action = actions[form.id] ?? actions[form.className]
  if (action === undefined) return
  event.preventDefault()
  say('')
  void action(form, new FormData(form), event.submitter).then(() => showSoon())
})

const stream = new EventSource('/panel')
stream.addEventListener('exchange', ({ data }) => {
  for (const open of exchanges.querySelectorAll('details[open]')) open.open = false
  exchanges.insertAdjacentHTML('afterbegin', data)
  while (exchanges.children.length > 24) exchanges.lastElementChild.remove()
})
stream.addEventListener('changed', () => {
  if (document.getElementById('carrier') !== null) showSoon()
})

prepare()
