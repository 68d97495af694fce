import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Refusal } from '@counterfoil/verifier'
import { createLog } from './log.ts'

function logged(write: (log: ReturnType<typeof createLog>) => void) {
  const lines: string[] = []
  write(createLog({ clock: { now: () => 1_800_000_000 }, write: (line) => lines.push(line) }))
  assert.equal(lines.length, 1)
  const [line = ''] = lines
  assert.ok(line.endsWith('\n') && line.indexOf('\n') === line.length - 1, 'exactly one line')
  return { line, entry: JSON.parse(line) }
}

test('one line of JSON with time, level and message, which no field and no line break can forge', () => {
  const { entry } = logged((log) =>
    log.info('one\ntwo', { level: 'error', at: 0, message: 'x', sessions: 3, none: null }),
  )
  assert.deepEqual(entry, {
    at: '2027-01-15T08:00:00.000Z',
    level: 'info',
    message: 'one\ntwo',
    sessions: 3,
    none: null,
  })
})

test('an error brings name, message, code, frames and cause, and nothing else that hangs on it', () => {
  const cause = Object.assign(new Error('connection lost'), { code: 'ECONNRESET', row: { hash: 'canary' } })
  const { line, entry } = logged((log) => log.error('failed', new Error('no answer', { cause })))
  assert.equal(entry.error.message, 'no answer')
  assert.match(entry.error.stack[0], /^at /)
  assert.equal(entry.error.cause.code, 'ECONNRESET')
  assert.ok(!line.includes('canary'))
})

test('a refusal shows its detail to the operator', () => {
  const given = new Refusal({ code: 'busy', status: 503, message: 'Busy.', detail: 'queue full' })
  const { entry } = logged((log) => log.error('refused', given))
  assert.equal(entry.error.detail, 'queue full')
  assert.equal(entry.error.code, 'busy')
})

const canary = 'canary0123456789abcdef'
const jwt = `eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.${canary}`

const leaks: [what: string, fields: Record<string, unknown>][] = [
  ['a password', { password: canary }],
  ['a nested password', { input: { list: [{ newPassword: canary }] } }],
  ['an access token', { access_token: canary }],
  ['a header', { headers: { Authorization: canary, Cookie: canary, 'set-cookie': [canary] } }],
  ['a secret', { rootSecret: canary }],
  ['a cookie in a text', { text: `__Host-Http-session=${canary}; a=b` }],
  ['a refresh token in a text', { text: `got cfr_${canary} twice` }],
  ['a bearer token in a text', { text: `Authorization: bearer ${canary}` }],
  ['a JWT in a text', { text: `token was ${jwt}.` }],
  ['a link in a text', { text: `GET /verify?token=${canary} 200` }],
  [
    'the value of a session cookie by itself',
    { text: `no session has ${canary}${'x'.repeat(64 - canary.length)}.` },
  ],
  ['client credentials in a header', { text: `Basic ${canary}=` }],
  ['a mail server with its password', { smtp: `smtps://user:${canary}@mail.example` }],
  ['a password hash in a text', { text: `$argon2id$v=19$m=19456,t=2,p=1$${canary}$${canary}` }],
  ['a database address in a text', { text: `cannot reach postgres://auth:${canary}@db.example/auth` }],
  ['bytes', { value: new TextEncoder().encode(canary) }],
  ['an error among the fields', { problem: new Error(`GET /reset?token=${canary}`) }],
]

for (const [what, fields] of leaks) {
  test(`${what} is not written`, () => {
    const { line } = logged((log) => log.info('request', fields))
    assert.ok(!line.includes(canary), line)
    assert.ok(!line.includes(Buffer.from(canary).join(',')), line)
  })
}

test('secrets in the message and in the error’s message are not written either', () => {
  const { line } = logged((log) => log.error(`bad ${jwt}`, new Error(`bad ${jwt}`)))
  assert.ok(!line.includes(canary))
})

test('what is endless or very long is cut', () => {
  const endless: Record<string, unknown> = {}
  endless.again = endless
  const { line } = logged((log) => log.info('x'.repeat(1e6), { endless, big: 1n, made: () => 1 }))
  assert.ok(line.length < 5000)
})
