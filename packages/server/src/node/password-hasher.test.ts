import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Refusal } from '@counterfoil/verifier'
import { hash } from '@node-rs/argon2'
import { createPasswordHasher } from './password-hasher.ts'
import { isAffordable, parsePhc } from './phc.ts'

const hasher = createPasswordHasher({ queue: 50 })

test('a password verifies against its own hash alone', async () => {
  const stored = await hasher.hash('correct horse battery')
  assert.match(stored, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22}\$[\w+/]{43}$/)
  assert.notEqual(stored, await hasher.hash('correct horse battery'))
  assert.equal(await hasher.verify(stored, 'correct horse battery'), true)
  assert.equal(await hasher.verify(stored, 'correct horse batterz'), false)
  assert.equal(hasher.isOutdated(stored), false)
})

test('nobody is a hash of today’s cost, made anew at every start', async () => {
  assert.equal(hasher.isOutdated(hasher.nobody), false)
  assert.notEqual(hasher.nobody, createPasswordHasher({ queue: 1 }).nobody)
  assert.equal(await hasher.verify(hasher.nobody, ''), false)
})

test('hashes of another affordable cost still verify, and are outdated', async () => {
  const stored = await hash('old password', { memoryCost: 8192, timeCost: 3, parallelism: 1 })
  assert.equal(await hasher.verify(stored, 'old password'), true)
  assert.equal(hasher.isOutdated(stored), true)
})

const salt = 'c2FsdHNhbHRzYWx0c2FsdA'
const digest = 'A'.repeat(43)
const phc = (parameters: string) => `$argon2id$v=19$${parameters}$${salt}$${digest}`

const stored: [text: string, affordable: boolean][] = [
  [phc('m=19456,t=2,p=1'), true],
  [phc('m=262144,t=16,p=4'), true],
  [phc('m=262145,t=2,p=1'), false],
  [phc('m=4194304,t=1,p=1'), false],
  [phc('m=19456,t=17,p=1'), false],
  [phc('m=102400,t=2,p=8'), true],
  [phc('m=19456,t=2,p=9'), false],
  [phc('m=8,t=1,p=2'), false],
  [phc('m=019456,t=2,p=1'), false],
  [phc('m=0,t=2,p=1'), false],
  [phc('m=-1,t=2,p=1'), false],
  [phc('m=1e5,t=2,p=1'), false],
  [phc('t=2,m=19456,p=1'), false],
  [phc('m=19456,t=2,p=1,keyid=x'), false],
  [phc('m=19456,t=2,p=1').replace('argon2id', 'argon2i'), false],
  [phc('m=19456,t=2,p=1').replace('v=19', 'v=16'), false],
  [`$argon2id$v=19$m=19456,t=2,p=1$$${digest}`, false],
  [`$argon2id$v=19$m=19456,t=2,p=1$${salt}$`, false],
  [`${phc('m=19456,t=2,p=1')}\n`, false],
  [` ${phc('m=19456,t=2,p=1')}`, false],
  ['$2b$10$abcdefghijklmnopqrstuv', false],
  ['', false],
]

test('only our own form within its bounds is worth verifying', () => {
  for (const [text, affordable] of stored) assert.equal(isAffordable(parsePhc(text)), affordable, text)
})

test('a stored string that someone changed is a wrong password after the usual work', async () => {
  const took: number[] = []
  for (let count = 0; count < 5; count++) {
    const start = performance.now()
    await hasher.verify(hasher.nobody, 'x')
    took.push(performance.now() - start)
  }
  // What else this machine does can only make it longer.
  const usual = Math.min(...took)
  for (const [text] of stored.filter(([, affordable]) => !affordable)) {
    const from = performance.now()
    assert.equal(await hasher.verify(text, 'x'), false, text)
    assert.ok(performance.now() - from > usual / 10, `no work was done for ${text}`)
  }
})

test('beyond the queue everybody is refused as busy, and those inside are served', async () => {
  const small = createPasswordHasher({ queue: 2, retryAfterSeconds: 7 })
  const results = await Promise.allSettled(Array.from({ length: 64 }, () => small.hash('x')))
  const refused = results.filter((result) => result.status === 'rejected')
  assert.ok(refused.length > 0 && refused.length < 62)
  for (const { reason } of refused) {
    assert.ok(reason instanceof Refusal)
    assert.deepEqual([reason.code, reason.status, reason.retryAfterSeconds], ['busy', 503, 7])
  }
  assert.equal(await small.verify(await small.hash('y'), 'y'), true)
})
