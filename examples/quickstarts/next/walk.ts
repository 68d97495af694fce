// What a person and a program do with the application, over HTTP as a browser sends it.
import assert from 'node:assert/strict'

type Headers = Record<string, string>
type Site = { origin: string; printed: () => string }

const email = 'ada@example.com'
const password = 'seven dull green boats'

function post(url: string, json: object, headers: Headers = {}): Promise<Response> {
  const body = JSON.stringify(json)
  return fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body })
}

async function untilPrinted(printed: () => string, pattern: RegExp): Promise<string> {
  for (let attempt = 0; attempt < 300; attempt++) {
    const found = pattern.exec(printed())?.[1]
    if (found !== undefined) return found
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`nothing like ${pattern} was printed:\n${printed()}`)
}

const sentBy = (answer: Response) =>
  answer.headers
    .getSetCookie()
    .map((line) => line.split(';', 1)[0])
    .join('; ')

/** The form of the page as a browser without script sends it: its hidden fields say which action. */
function filled(page: string, note: string): FormData {
  const form = new FormData()
  for (const [, name = ''] of page.matchAll(/<input type="hidden" name="([^"]+)"/g)) form.append(name, '')
  form.append('note', note)
  return form
}

export async function walk({ origin, printed }: Site): Promise<void> {
  const read = async (headers: Headers) => (await fetch(`${origin}/`, { headers })).text()
  const me = async (headers: Headers, method = 'GET') =>
    (await fetch(`${origin}/me`, { method, headers })).status
  assert.match(await read({}), /Sign in/)
  assert.equal(await me({}), 401)
  const signInPage = await fetch(`${origin}/sign-in`)
  assert.match(await signInPage.text(), /<form[^>]* action="\/sign-in"/)

  // By the pages that come with the server, as a browser sends their forms.
  const own = { origin, 'sec-fetch-site': 'same-origin' }
  const submit = (path: string, fields: Headers, headers: Headers = own) =>
    fetch(origin + path, { method: 'POST', redirect: 'manual', headers, body: new URLSearchParams(fields) })
  assert.equal((await submit('/sign-up', { email, password })).status, 200)
  const token = await untilPrinted(printed, /\/verify\?token=([\w-]+)/)
  const verified = await submit('/verify', { token, password })
  assert.equal(verified.status, 303)
  const signedIn = await submit('/sign-in', { email, password, next: '/' })
  assert.deepEqual([signedIn.status, signedIn.headers.get('location')], [303, '/'])
  const cookie = { cookie: sentBy(signedIn) }

  const page = await read(cookie)
  assert.match(page, /ada@example\.com/)
  assert.equal(await me(cookie), 200)
  const byToken = await post(`${origin}/auth/sign-in`, { email, password, carrier: 'token' })
  const bearer = { authorization: `Bearer ${(await byToken.json()).access_token}` }
  assert.equal(await me(bearer), 200)
  assert.equal(await me(bearer, 'DELETE'), 204)

  const act = (note: string, headers: Headers) =>
    fetch(`${origin}/`, { method: 'POST', redirect: 'manual', headers, body: filled(page, note) })
  const foreign = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
  for (const headers of [
    foreign,
    { origin: 'null' },
    {},
    { ...own, 'sec-fetch-site': 'same-site', origin: 'null' },
  ])
    assert.equal((await act('forged', { ...cookie, ...headers })).status, 403)
  assert.equal(await me({ ...cookie, ...foreign }, 'DELETE'), 403)
  assert.ok((await act('of nobody', own)).status >= 400)
  assert.ok((await act('a note of mine', { ...cookie, ...own })).status < 400)
  const after = await read(cookie)
  assert.match(after, /a note of mine/)
  assert.doesNotMatch(after, /forged|of nobody/)

  // What script sends for the same action: the refusal arrives as a digest, and nothing else of it.
  const action = /name="\$ACTION_ID_(\w+)"/.exec(page)?.[1] ?? assert.fail('no action in the page')
  const sent = new FormData()
  sent.append('1_note', 'of nobody')
  sent.append('0', '["$K1"]')
  const scripted = await fetch(`${origin}/`, {
    method: 'POST',
    headers: { ...own, 'next-action': action, accept: 'text/x-component' },
    body: sent,
  })
  assert.match(await scripted.text(), /"digest":"credential_missing"/)

  assert.equal((await submit('/sign-out', {}, { ...own, ...cookie })).status, 303)
  assert.match(await read(cookie), /Sign in/)
  assert.equal(await me(cookie), 401)
}
