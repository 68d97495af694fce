import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Caller } from './caller.ts'
import { Refusal } from './refusal.ts'
import { checkedRequirements, demand, type Requirements } from './required.ts'

const now = 1_800_000_000
const person: Caller = {
  account: { id: 'acc', email: null },
  session: null,
  carrier: 'cookie',
  scopes: [],
  actor: null,
  grant: null,
  authenticated_at: now - 300,
}
const reader: Caller = { ...person, carrier: 'bearer', scopes: ['read', 'write:some'] }
const worker: Caller = { ...reader, actor: 'worker', grant: 'gra', authenticated_at: now }
const delegate: Caller = { ...reader, actor: 'worker' }

const cases: [what: string, caller: Caller | null, requirements: Requirements, code: string | null][] = [
  ['nobody', null, {}, 'credential_missing'],
  ['nobody, whatever else is required', null, { scope: 'read', present: true }, 'credential_missing'],
  ['somebody', person, {}, null],
  ['a worker where nothing is said of it', worker, {}, 'presence_required'],
  ['a delegate where nothing is said of it', delegate, {}, 'presence_required'],
  ['a worker with the scope that is named', worker, { scope: 'read' }, null],
  ['a worker with the scope that actors need', worker, { actorScope: 'read' }, null],
  ['a worker with one of two that actors need', worker, { actorScope: 'read pay' }, 'insufficient_scope'],
  ['the account itself, where actors need a scope', person, { actorScope: 'pay' }, null],
  [
    'a worker where all need a scope and actors another',
    worker,
    { scope: 'read', actorScope: 'pay' },
    'insufficient_scope',
  ],
  [
    'a worker with a scope, where presence is required',
    worker,
    { actorScope: 'read', present: true },
    'presence_required',
  ],
  ['a proof of that age', person, { freshWithinSeconds: 300 }, null],
  ['a proof that is a second older', person, { freshWithinSeconds: 299 }, 'reauthentication_required'],
  ['a fresh proof that somebody else made use of', worker, { freshWithinSeconds: 300 }, 'presence_required'],
  [
    'a proof at no known time',
    { ...person, authenticated_at: Number.NaN },
    { freshWithinSeconds: 9 },
    'reauthentication_required',
  ],
  ['a scope that is named', reader, { scope: 'read' }, null],
  ['all scopes that are named', reader, { scope: 'write:some read' }, null],
  ['one of two scopes', reader, { scope: 'read write' }, 'insufficient_scope'],
  ['the beginning of a scope', reader, { scope: 'write' }, 'insufficient_scope'],
  ['a scope in another case', reader, { scope: 'Read' }, 'insufficient_scope'],
  ['a scope, by cookie', person, { scope: 'read' }, 'insufficient_scope'],
  ['the account itself', person, { present: true }, null],
  ['a worker under a grant', worker, { present: true }, 'presence_required'],
  ['an actor without a grant', delegate, { present: true }, 'presence_required'],
  ['a grant without an actor', { ...worker, actor: null }, { present: true }, 'presence_required'],
  ['one of two requirements', worker, { scope: 'read', present: true }, 'presence_required'],
]

for (const [what, caller, requirements, code] of cases) {
  test(`${what}: ${code ?? 'let in'} by ${JSON.stringify(requirements)}`, () => {
    const attempt = () => demand(caller, requirements, () => now)
    if (code === null) assert.equal(attempt(), caller)
    else assert.throws(attempt, (error) => error instanceof Refusal && error.code === code)
  })
}

test('a refusal says what would help', () => {
  const challengeOf = (requirements: Requirements) => {
    try {
      demand(reader, requirements, () => now)
      return null
    } catch (error) {
      return error instanceof Refusal ? error.challenge : null
    }
  }
  assert.equal(challengeOf({ scope: 'pay' }), 'error="insufficient_scope", scope="pay"')
  assert.match(
    challengeOf({ freshWithinSeconds: 60 }) ?? '',
    /^error="insufficient_user_authentication", .*max_age="60"$/,
  )
})

// What plain JavaScript may hand over.
const mistakes: object[] = [
  { scopes: 'read' },
  { fresh: 60 },
  { critical: true },
  { scope: undefined },
  { scope: '' },
  { scope: ' read' },
  { scope: 'read"' },
  { scope: ['read'] },
  { actorScope: undefined },
  { actorScope: '' },
  { freshWithinSeconds: undefined },
  { freshWithinSeconds: '60' },
  { freshWithinSeconds: Number.NaN },
  { freshWithinSeconds: 0 },
  { freshWithinSeconds: Number.POSITIVE_INFINITY },
  { present: false },
  { present: undefined },
]
for (const mistake of mistakes) {
  const [[name, value] = []] = Object.entries(mistake)
  test(`a route is not made with the requirement ${name}: ${JSON.stringify(value) ?? value}`, () => {
    assert.throws(() => checkedRequirements(mistake), /^Error: required\(\)/)
  })
}
