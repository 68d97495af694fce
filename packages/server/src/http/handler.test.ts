import assert from 'node:assert/strict'
import { it } from 'node:test'
import {
  type Agent,
  altered,
  goodPassword,
  onEachEngine,
  openHouse,
  type TestHouse,
} from '../testing/index.ts'

const canary = 'canary-of-nobody-7h3'
type Line = Record<string, unknown>

function linesOf({ machine }: TestHouse): Line[] {
  return machine.logLines.map((line) => JSON.parse(line))
}

const refused: [
  what: string,
  send: (program: Agent, browser: Agent) => Promise<Response>,
  expected: { code: string; detail: string; route: string } | null,
][] = [
  [
    'a body with a field missing',
    (program) => program.post('/auth/sign-in', { email: `${canary}@example.org` }),
    { code: 'input_invalid', detail: 'not as expected: password', route: '/auth/sign-in' },
  ],
  [
    'a body with a field of another kind',
    (program) => program.post('/auth/sign-in', { email: [canary], password: { [canary]: canary } }),
    { code: 'input_invalid', detail: 'not as expected: email, password', route: '/auth/sign-in' },
  ],
  [
    'a form with a field missing',
    (_, browser) => browser.submit('/sign-in', { password: canary }),
    { code: 'input_invalid', detail: 'not as expected: email', route: '/sign-in' },
  ],
  [
    'a refresh token that is none',
    (program) =>
      program.send('POST', '/oauth/token', {
        form: { grant_type: 'refresh_token', refresh_token: `cfr_${canary}` },
      }),
    { code: 'grant_invalid', detail: 'not a refresh token of ours', route: '/oauth/token' },
  ],
  [
    'a new password that is short',
    (program) => program.post('/auth/sign-up', { email: 'bo@example.org', password: 'canary' }),
    { code: 'password_too_short', detail: 'fewer than 15 characters', route: '/auth/sign-up' },
  ],
  ['an id that cannot be one', (_, browser) => browser.send('DELETE', `/auth/sessions/${canary}`), null],
  [
    'a wrong password',
    (program) =>
      program.post('/auth/sign-in', { email: 'ada@example.org', password: canary, carrier: 'token' }),
    null,
  ],
  ['no credential', (program) => program.get('/auth/session'), null],
  ['a page that wants people signed in', (program) => program.get('/account'), null],
]

onEachEngine('the log', (open) => {
  it('tells of a refusal with a detail once, by code, detail and route, and of others nothing', async (context) => {
    const house = await openHouse(open)
    const { browser } = await house.member()
    for (const [what, send, expected] of refused) {
      await context.test(what, async () => {
        house.machine.logLines.length = 0
        const answer = await send(house.program(), browser)
        assert.ok(answer.status >= 300, `${answer.status}`)
        const lines = linesOf(house).map(({ at: _, ...line }) => line)
        assert.deepEqual(lines, expected === null ? [] : [{ ...expected, level: 'info', message: 'refused' }])
        assert.doesNotMatch(house.machine.logLines.join(), /canary/)
      })
    }
  })

  it('tells of a credential that cannot be accepted without it', async () => {
    const house = await openHouse(open)
    const { email } = await house.member()
    const { access_token } = await house.tokens(email)
    const broken = altered(access_token)
    house.machine.logLines.length = 0
    const answer = await house.program().get('/auth/session', { authorization: `Bearer ${broken}` })
    assert.equal(answer.status, 401)
    const [line, ...more] = linesOf(house)
    assert.deepEqual([line?.code, line?.route, more], ['credential_invalid', '/auth/session', []])
    for (const part of access_token.split('.'))
      assert.equal(house.machine.logLines.join().includes(part.slice(0, 12)), false)
  })

  it('tells of an attempt that is held back which count it was, and neither who nor with what', async () => {
    const house = await openHouse(open, { policy: { attemptsPerAccount: 1 } })
    const send = () =>
      house.program().post('/auth/sign-in', {
        email: `${canary}@example.org`,
        password: goodPassword,
        carrier: 'token',
      })
    assert.equal((await send()).status, 401)
    house.machine.logLines.length = 0
    assert.equal((await send()).status, 429)
    const [line, ...more] = linesOf(house)
    assert.deepEqual([line?.code, line?.detail, more], ['too_many_attempts', 'account', []])
    assert.doesNotMatch(house.machine.logLines.join(), /canary|river/)
  })
})
