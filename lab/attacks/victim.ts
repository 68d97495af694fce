import assert from 'node:assert/strict'
import {
  type Agent,
  type HouseOptions,
  type OpenTestDatabase,
  openHouse,
  type TestHouse,
} from 'counterfoil/house'
import { expectForgeryWorks } from './at-textbook.ts'
import { contentsOf } from './evidence.ts'

/** Somebody who is signed in twice, and a page elsewhere that makes their browser send what it likes. */
export type Victim = {
  home: TestHouse
  browser: Agent
  email: string
  password: string
  accountId: string
  /** The session in the app, that somebody may want to see ended. */
  otherSession: string
  /** Sends with the victim's cookies and exactly the headers given: no evidence is added. */
  forged: Agent
}

export async function aVictim(open: OpenTestDatabase, options: HouseOptions = {}): Promise<Victim> {
  const home = await openHouse(open, options)
  const { browser, email, password, accountId } = await home.member()
  const { session } = await home.tokens(email)
  const forged = home.program()
  for (const [name, value] of browser.cookies) forged.cookies.set(name, value)
  return { home, browser, email, password, accountId, otherSession: session.id, forged }
}

export type Deed = {
  name: string
  method: 'POST' | 'DELETE'
  path: string
  json?: object
  form?: Record<string, string>
}

/** What a signed-in browser can do that another site would like it to do. */
export function deedsOf(victim: Pick<Victim, 'otherSession' | 'password'>): Deed[] {
  const { otherSession, password } = victim
  const next = 'chosen by whoever forged it'
  return [
    {
      name: 'change the password',
      method: 'POST',
      path: '/auth/password/change',
      json: { current: password, new: next },
    },
    {
      name: 'change it by form',
      method: 'POST',
      path: '/account/password',
      form: { current: password, new: next },
    },
    { name: 'prove again', method: 'POST', path: '/auth/reauthenticate', json: { password } },
    { name: 'end a device', method: 'DELETE', path: `/auth/sessions/${otherSession}` },
    {
      name: 'end a device by form',
      method: 'POST',
      path: '/account/sessions/end',
      form: { id: otherSession },
    },
    { name: 'end the others', method: 'POST', path: '/auth/sessions/end-others' },
    { name: 'end the others by form', method: 'POST', path: '/account/sessions/end-others', form: {} },
    { name: 'sign out', method: 'POST', path: '/auth/sign-out' },
    { name: 'sign out by form', method: 'POST', path: '/sign-out', form: {} },
  ]
}

/** Leaves no row of any table changed. */
export async function unchanged<Result>(home: TestHouse, act: () => Promise<Result>): Promise<Result> {
  await home.house.chores.touches()
  const before = (await contentsOf(home.db)).split('\n')
  const result = await act()
  await home.house.chores.touches()
  const after = (await contentsOf(home.db)).split('\n')
  assert.deepEqual(
    after.filter((line) => !before.includes(line)),
    [],
  )
  assert.equal(after.length, before.length)
  return result
}

/** Changes nothing, not even the last sign of life, though the next one was due. */
export async function withoutTrace<Result>(home: TestHouse, act: () => Promise<Result>): Promise<Result> {
  home.machine.clock.advance(2 * 3600)
  return unchanged(home, act)
}

/** Refused as forged, whatever kind of answer the address gives, and no cookie is set or cleared. */
export async function expectForged(response: Response, about: string): Promise<void> {
  assert.equal(response.status, 403, about)
  assert.deepEqual(response.headers.getSetCookie(), [], about)
  const text = await response.text()
  if (response.headers.get('content-type') === 'application/problem+json') {
    assert.equal(JSON.parse(text).code, 'forged_request', about)
  } else assert.match(text, /did not prove/, about)
}

/** With these headers the textbook pays; here every deed is refused and leaves no trace. */
export async function expectDeedsRefused(
  id: string,
  victim: Victim,
  headers: Record<string, string>,
): Promise<void> {
  const { home, forged, browser } = victim
  await expectForgeryWorks(id, home.issuer, headers)
  for (const { name, method, path, ...body } of deedsOf(victim)) {
    const about = `${name} with ${JSON.stringify(headers)}`
    const answer = await withoutTrace(home, () => forged.send(method, path, { ...body, headers }))
    await expectForged(answer, about)
  }
  assert.equal((await browser.get('/auth/session')).status, 200, 'the victim is still signed in')
}

/** The positive control: the last deed of each kind, sent by the victim's own page, works. */
export async function expectDeedsDoneHonestly(victim: Victim): Promise<void> {
  for (const { name, method, path, ...body } of deedsOf(victim)) {
    if (!/^(?:end a device|sign out|prove again)$/.test(name)) continue
    const before = await contentsOf(victim.home.db)
    const answer = await victim.browser.send(method, path, body)
    assert.ok([200, 204].includes(answer.status), `${name}: ${answer.status}`)
    assert.notEqual(await contentsOf(victim.home.db), before, name)
  }
  assert.equal((await victim.browser.get('/auth/session')).status, 401)
}
