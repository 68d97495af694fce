// What thieves do with sessions, where it works. Each function is the attack of one test, before its own.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import type { TestContext } from 'node:test'
import { type AtTextbook, atTextbook, expectFallen, startTextbook, textbookAccount } from './at-textbook.ts'
import { textbookSecret } from './textbook-app.ts'
import { newKeyPair } from './textbook-signing.ts'

const ada = textbookAccount.name
const form = { 'content-type': 'application/x-www-form-urlencoded' }
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

/** The sender of this is taken for the victim, and should be nobody. */
async function expectTaken(id: string, at: AtTextbook, headers: Record<string, string>, query = '') {
  const who = await at.whoIs(headers, query)
  expectFallen(id, { before: null, after: who })
  assert.equal(who, ada)
}

async function cookieOfNobody(at: AtTextbook): Promise<string> {
  return (await at.send('GET /me')).header('set-cookie')?.split(';', 1)[0] ?? ''
}

/** The cookie that the attacker planted is the victim's after the sign-in, since the value stays. */
export async function plantedCookieIsKept(id: string, by: 'sign-in' | 'sign-up'): Promise<void> {
  const at = await atTextbook()
  const cookie = await cookieOfNobody(at)
  assert.equal(await at.whoIs({ cookie }), null)
  if (by === 'sign-in') await at.signIn({ cookie })
  else await at.send('POST /sign-up', { ...form, cookie }, `email=${ada}`)
  await expectTaken(id, at, { cookie })
}

/** A new password ends neither the cookie nor the tokens that somebody copied before it. */
export async function copyOutlivesTheOldPassword(id: string, carrier: 'cookie' | 'token'): Promise<void> {
  const at = await atTextbook()
  const cookie = await at.signIn()
  const { refresh } = await at.tokens()
  const before = at.state.password
  await at.send('POST /password', { ...form, cookie }, `new=one+more+than+${encodeURIComponent(before)}`)
  assert.notEqual(at.state.password, before)
  if (carrier === 'cookie') await expectTaken(id, at, { cookie })
  else await expectTaken(id, at, bearer(await refreshed(at, refresh)))
}

async function refreshed(at: AtTextbook, refresh: string): Promise<string> {
  const json = { 'content-type': 'application/json' }
  const { status, body } = await at.send('POST /refresh', json, JSON.stringify({ refresh }))
  return status === 200 ? JSON.parse(body).access : ''
}

/** A token that lies in an address, as logs and histories keep them, and one in a header of its own. */
export async function tokenIsTakenFromAnywhere(id: string): Promise<void> {
  const at = await atTextbook()
  const { access } = await at.tokens()
  await expectTaken(id, at, {}, `?access_token=${access}`)
  await expectTaken(id, at, { 'x-access-token': access })
  const before = at.stake()
  await at.send('POST /transfer', form, `amount=1&access_token=${access}`)
  expectFallen(id, { before, after: at.stake() }, 'in a form')
}

const signedCookie = (sessionId: string) => {
  const mac = createHmac('sha256', textbookSecret).update(sessionId).digest('base64').replace(/=+$/, '')
  return `connect.sid=${encodeURIComponent(`s:${sessionId}.${mac}`)}`
}

/** Sessions are numbered as the rows of their table are, and signed with the secret of the README. */
export async function numbersAreGuessed(id: string): Promise<void> {
  let last = 0
  const numbered = () => {
    last += 1
    return String(last)
  }
  const at = await startTextbook({ sessions: { genid: numbered } })
  await cookieOfNobody(at)
  await at.signIn()
  const found: (string | null)[] = []
  for (let guess = 1; guess <= 5; guess++) found.push(await at.whoIs({ cookie: signedCookie(String(guess)) }))
  expectFallen(id, { before: [], after: found.filter((who) => who === ada) })
  assert.ok(found.includes(ada), 'within five guesses')
}

/** The table of sessions holds what the cookies hold. */
export async function tableOpensSessions(id: string): Promise<void> {
  const at = await atTextbook()
  await at.signIn()
  const dump = await new Promise<object>((resolve) => at.store.all((_, all) => resolve(all ?? {})))
  const opened: string[] = []
  for (const sessionId of Object.keys(dump))
    if ((await at.whoIs({ cookie: signedCookie(sessionId) })) === ada) opened.push(sessionId)
  expectFallen(id, { before: [], after: opened })
  assert.ok(opened.length > 0)
}

/** Signing out only clears the cookie in the one browser, and tokens know nothing of it. */
export async function signingOutEndsNothing(id: string, carrier: 'cookie' | 'token'): Promise<void> {
  const at = await atTextbook()
  const cookie = await at.signIn()
  const { access, refresh } = await at.tokens()
  const headers = carrier === 'cookie' ? { cookie } : bearer(access)
  const [first, ended] = await Promise.all([
    refreshed(at, refresh),
    at.send('POST /logout', headers),
    at.whoIs(headers),
  ])
  assert.equal(ended.status, 204)
  for (const shown of carrier === 'cookie' ? [{ cookie }] : [bearer(access), bearer(first)])
    await expectTaken(id, at, shown)
}

/** One file of settings, copied: the same key in both places, and no token says where it was made. */
export async function tokenOfTheOtherPlaceIsTaken(id: string): Promise<void> {
  const keys = newKeyPair()
  const [staging, production] = [await startTextbook({ keys }), await startTextbook({ keys })]
  const { access } = await staging.tokens()
  await expectTaken(id, production, bearer(access))
}

const day = 86_400

/** The library keeps time by itself, so here it is told another time than it is. */
function atTheirTime(t: TestContext): { advance(seconds: number): void; reset(): void } {
  t.mock.timers.enable({ apis: ['Date'], now: 1_800_000_000_000 })
  return {
    advance: (seconds) => t.mock.timers.setTime(Date.now() + seconds * 1000),
    reset: () => t.mock.timers.reset(),
  }
}

/** Whatever asks is somebody who is there, so a page that polls is there for ever. */
export async function pollingKeepsItAlive(id: string, t: TestContext, idleSeconds: number): Promise<void> {
  const at = await startTextbook({ sessions: { cookie: { maxAge: idleSeconds * 1000 } } })
  const time = atTheirTime(t)
  const [polled, left] = [await at.signIn(), await at.signIn()]
  for (let passed = 0; passed < 2 * idleSeconds; passed += idleSeconds / 2) {
    assert.equal(await at.whoIs({ cookie: polled }), ada)
    time.advance(idleSeconds / 2)
  }
  assert.equal(await at.whoIs({ cookie: left }), null, 'left alone it does end')
  await expectTaken(id, at, { cookie: polled })
  time.reset()
}

/** There is an idle time and no other, and each refresh begins a new one. */
export async function useKeepsItForEver(id: string, t: TestContext, absoluteSeconds: number): Promise<void> {
  const at = await startTextbook({ sessions: { cookie: { maxAge: 14 * day * 1000 } } })
  const time = atTheirTime(t)
  const cookie = await at.signIn()
  const { refresh } = await at.tokens()
  let access = ''
  for (let passed = 0; passed <= absoluteSeconds; passed += 10 * day) {
    assert.equal(await at.whoIs({ cookie }), ada)
    access = await refreshed(at, refresh)
    time.advance(10 * day)
  }
  await expectTaken(id, at, { cookie })
  await expectTaken(id, at, bearer(access))
  time.reset()
}

/** A list of what was signed out is all that there is against a token, and the list is emptied, or an older one put back. */
export async function emptiedListRevives(id: string): Promise<void> {
  const at = await startTextbook()
  at.state.denied = new Set()
  const { access } = await at.tokens()
  const older = new Set(at.state.denied)
  await at.send('POST /logout', bearer(access))
  assert.equal(await at.whoIs(bearer(access)), null, 'signed out')
  at.state.denied = older
  await expectTaken(id, at, bearer(access))
}

/** Script in the page asks for a token by the cookie that it cannot read, and sends it home. */
export async function cookieBecomesToken(id: string): Promise<void> {
  const at = await atTextbook()
  const cookie = await at.signIn()
  const { body } = await at.send('GET /api-token', { cookie, 'sec-fetch-site': 'same-origin' })
  await expectTaken(id, at, bearer(JSON.parse(body).access))
}

/** Whoever says that the address is theirs is believed until the mail is confirmed. */
export async function pendingSignUpIsSomebody(id: string): Promise<void> {
  const at = await atTextbook()
  const answer = await at.send('POST /sign-up', form, `email=${ada}&password=whatever`)
  await expectTaken(id, at, { cookie: answer.header('set-cookie')?.split(';', 1)[0] ?? '' })
}

/** What a cache hands to somebody else is the victim's. */
export async function cacheHandsItOver(
  id: string,
  cachedBy: (fetch: (request: Request) => Promise<Response>) => (request: Request) => Promise<Response>,
): Promise<void> {
  const at = await atTextbook()
  const cached = cachedBy((request) => fetch(request))
  const ask = async (cookie: string) =>
    (await cached(new Request(`http://127.0.0.1:${at.port}/me`, { headers: { cookie } }))).json()
  await ask(await at.signIn())
  const answer = await at.send('POST /sign-up', form, 'email=mallory@example.org')
  const cookie = answer.header('set-cookie')?.split(';', 1)[0] ?? ''
  assert.equal(await at.whoIs({ cookie }), 'mallory@example.org', 'without the cache')
  expectFallen(id, { before: { email: 'mallory@example.org' }, after: await ask(cookie) })
}

/** The session is bound to whatever key signed the request for it, and nobody asked who made that request. */
export async function deviceIsBound(id: string, registration: string): Promise<void> {
  const at = await atTextbook()
  const cookie = await at.signIn()
  const deviceOf = () =>
    new Promise<string | null>((resolve) => {
      const sessionId = /s:([^.]+)/.exec(decodeURIComponent(cookie))?.[1] ?? ''
      at.store.get(sessionId, (_, found) => resolve(found?.device ?? null))
    })
  const before = await deviceOf()
  await at.send('POST /device', { cookie, 'secure-session-response': registration })
  expectFallen(id, { before, after: await deviceOf() })
  assert.equal(await deviceOf(), registration.split('.')[0])
}
