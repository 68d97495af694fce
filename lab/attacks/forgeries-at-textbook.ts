// The forgeries of forged-requests.test.ts, where they work. What they share with it they are given.
import assert from 'node:assert/strict'
import {
  type AtTextbook,
  atTextbook,
  expectAttemptWorks,
  expectFallen,
  type Headers,
  textbookAccount,
} from './at-textbook.ts'
import { allowLists, checkNamed } from './textbook-checks.ts'

const form = { 'content-type': 'application/x-www-form-urlencoded' }

async function expectDone(id: string, at: AtTextbook, act: () => Promise<unknown>, about: string) {
  const before = at.stake()
  await act()
  expectFallen(id, { before, after: at.stake() }, about)
}

/** A body of a type that needs no preflight is read all the same. */
export async function bodyIsReadAnyway(
  id: string,
  given: { path: string; type: string; body: string; headers: Headers },
): Promise<void> {
  const at = await atTextbook()
  const { path, type, body, headers } = given
  const cookie = await at.signIn()
  const sent = { cookie, 'content-type': type, ...headers }
  await expectDone(id, at, () => at.send(`POST ${path}`, sent, body), type)
}

/** The preflight is told that everything is fine, and the request comes. */
export async function preflightIsAllowed(id: string, headers: Headers): Promise<void> {
  const at = await atTextbook()
  const cookie = await at.signIn()
  const asks = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' }
  const asked = await at.send('OPTIONS /transfer', { ...asks, ...headers })
  assert.equal(asked.header('access-control-allow-origin'), headers.origin)
  assert.equal(asked.header('access-control-allow-credentials'), 'true')
  assert.match(asked.header('access-control-allow-headers') ?? '', /content-type/)
  const json = { cookie, 'content-type': 'application/json', ...headers }
  await expectDone(id, at, () => at.send('POST /transfer', json, '{"amount":1}'), 'JSON')
}

/** Each head as it is, to a check that compares what is missing with what is missing, or takes `null` for its own. */
export async function headsAreTakenForOwn(id: string, heads: (path: string) => string[][]): Promise<void> {
  const at = await atTextbook()
  const cookie = await at.signIn()
  for (const head of heads('/transfer?amount=1')) {
    const attempt = (sent: Headers) =>
      Object.keys(sent).length > 0
        ? at.send('POST /transfer?amount=1', { cookie, ...sent })
        : at.raw(`${[...head, `Cookie: ${cookie}`].join('\r\n')}\r\n\r\n`)
    await expectAttemptWorks(id, at, attempt, {}, at.stake, head.join(' | '))
  }
}

/** The check sees a GET, and what comes after it a POST. */
export async function methodIsOverridden(id: string, names: readonly string[]): Promise<void> {
  const at = await atTextbook()
  at.state.isOwnPage = checkNamed('asks Origin alone')
  const cookie = await at.signIn({ origin: at.state.own })
  const sent = { cookie, 'sec-fetch-site': 'cross-site' }
  const before = at.stake()
  await at.send('POST /password?new=refused', { ...sent, ...form })
  await at.send('GET /password?new=refused', sent)
  assert.deepEqual(at.stake(), before, 'neither the forged POST nor the GET')
  for (const name of names) {
    const value = encodeURIComponent(`by ${name}`)
    const line = `GET /password?new=${value}`
    const act = () =>
      name === '_method' ? at.send(`${line}&_method=POST`, sent) : at.send(line, { ...sent, [name]: 'POST' })
    await expectDone(id, at, act, name)
  }
}

/** A route that takes every method, behind a check that looks at one. */
export async function methodsReachTheRoute(id: string, methods: readonly string[]): Promise<void> {
  const at = await atTextbook()
  at.state.isOwnPage = checkNamed('looks at POST alone')
  const cookie = await at.signIn({ origin: at.state.own })
  const before = at.stake()
  await at.send('POST /transfer?amount=1', { cookie })
  assert.deepEqual(at.stake(), before, 'the forged POST itself is stopped')
  for (const method of methods)
    await expectDone(id, at, () => at.send(`${method} /transfer?amount=1`, { cookie }), method)
}

/** Whether a page of that origin may read the balance, for some list that people write. */
export async function originIsEchoed(id: string, origins: readonly string[]): Promise<void> {
  const at = await atTextbook()
  const cookie = await at.signIn()
  for (const origin of origins) {
    const reads: string[] = []
    for (const [name, isListed] of Object.entries(allowLists)) {
      at.state.readableBy = (asking) => (isListed(asking) ? asking : null)
      const stranger = await at.send('GET /balance', { cookie, origin: 'https://evil.example' })
      assert.equal(stranger.header('access-control-allow-origin'), null, `"${name}" lists no stranger`)
      const answer = await at.send('GET /balance', { cookie, origin })
      const named = answer.header('access-control-allow-origin')
      if (named === origin.trim() && answer.body.includes('balance')) reads.push(name)
    }
    expectFallen(id, { before: [], after: reads }, `from ${origin}`)
  }
}

/** `cors()` as it comes says `*`; browsers send it no cookie, but what stands behind a firewall needs none. */
export async function everybodyIsLetIn(id: string, origins: readonly string[]): Promise<void> {
  const at = await atTextbook()
  at.state.readableBy = () => '*'
  for (const origin of origins) {
    const answer = await at.send('GET /keys', { origin })
    expectFallen(id, { before: null, after: answer.header('access-control-allow-origin') }, origin)
    assert.equal(answer.header('access-control-allow-credentials'), 'true')
    assert.match(answer.body, /"keys"/)
  }
}

/** Another site's form signs the browser in: as somebody who has an account, or who begins one. */
export async function browserIsSignedIn(
  id: string,
  elsewhere: readonly Headers[],
  by: 'sign-in' | 'sign-up',
): Promise<void> {
  const at = await atTextbook()
  let signedIn = 0
  const attempt = async (sent: Headers) => {
    const begun = at.send('POST /sign-up', { ...form, ...sent }, 'email=mallory@example.org')
    const cookie =
      by === 'sign-in' ? await at.signIn(sent) : ((await begun).header('set-cookie')?.split(';', 1)[0] ?? '')
    const who = await at.whoIs({ cookie })
    if (who === (by === 'sign-in' ? textbookAccount.name : 'mallory@example.org')) signedIn += 1
  }
  for (const headers of elsewhere) await expectAttemptWorks(id, at, attempt, headers, () => signedIn)
}

/** An image and a form of another site sign somebody out. */
export async function somebodyIsSignedOut(id: string, elsewhere: readonly Headers[]): Promise<void> {
  const at = await atTextbook()
  const cookie = await at.signIn()
  let signedOut = 0
  const leave = (method: string) => async (sent: Headers) => {
    const answer = await at.send(`${method} /logout`, { cookie, ...sent })
    if (/^connect\.sid=;/.test(answer.header('set-cookie') ?? '')) signedOut += 1
  }
  const before = signedOut
  await leave('GET')({ 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'image' })
  expectFallen(id, { before, after: signedOut }, 'an image')
  for (const headers of elsewhere) await expectAttemptWorks(id, at, leave('POST'), headers, () => signedOut)
}
