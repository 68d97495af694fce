import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endOf, lastEnd, type SessionRecord, showSession, touchQuantum } from './session.ts'

const idleSeconds = 600
const now = 10_000

/** Begun at position 5, last seen now, good for another hour. */
const live: SessionRecord = {
  id: 'session',
  account_id: 'account',
  client_id: 'first-party',
  carrier: 'cookie',
  began: 5,
  created_at: 1,
  authenticated_at: 1,
  last_seen_at: now,
  expires_at: now + 3600,
  ended_at: null,
  ended_reason: null,
  device: 'Firefox on Linux',
  amr: 'pwd',
  cookie_hash: 'hash of a cookie',
  refresh_generation: 0,
  refresh_current: 'hash of a refresh token',
  refresh_previous: null,
  refresh_salt: 'salt',
  refresh_rotated_at: null,
  refresh_repeats: 0,
  refresh_repeated_generation: 0,
  bound_key: null,
  bound_hash: null,
  email: 'ada@example.org',
  account_state: 'active',
  account_end: 0,
  client_end: 0,
  client_tokens_end: 0,
  everyone_end: 0,
  as_of: 9,
}

const table: [what: string, change: Partial<SessionRecord>, end: ReturnType<typeof endOf>][] = [
  ['nothing ended it', {}, null],
  ['it was ended', { ended_at: 1 }, 'ended'],
  ['it was ended at second zero', { ended_at: 0 }, 'ended'],
  ['its account is disabled', { account_state: 'disabled' }, 'account_disabled'],
  ['its account ended everything after it began', { account_end: 6 }, 'ended_before'],
  ['its account ended everything before it began', { account_end: 5 }, null],
  ['its client ended after it began', { client_end: 6 }, 'ended_before'],
  ['its client ended before it began', { client_end: 5 }, null],
  ['everyone was ended after it began', { everyone_end: 6 }, 'ended_before'],
  ['everyone was ended before it began', { everyone_end: 5 }, null],
  ['an early end of one and a late end of another', { account_end: 4, everyone_end: 6 }, 'ended_before'],
  ['its last second has not passed', { expires_at: now + 1 }, null],
  ['its absolute lifetime is over', { expires_at: now }, 'expired'],
  ['it idled for a second less than it may', { last_seen_at: now - 599 }, null],
  ['it idled for as long as it may', { last_seen_at: now - 600 }, 'idle'],
  [
    'it was seen just now, and its absolute lifetime is over',
    { last_seen_at: now, expires_at: now - 1 },
    'expired',
  ],
]

for (const [what, change, end] of table) {
  test(`a session of which ${what} ${end === null ? 'lives' : `is over: ${end}`}`, () => {
    assert.equal(endOf({ ...live, ...change }, { now, idleSeconds }), end)
  })
}

test('the last of all ends counts', () => {
  const ends = { account_end: 3, client_end: 8, everyone_end: 5 }
  assert.equal(lastEnd(ends), 8)
})

test('a touch is worth writing after a tenth of the idle time, within half a minute and an hour', () => {
  assert.deepEqual([100, 300, 6000, 36_000, 1_209_600].map(touchQuantum), [30, 30, 600, 3600, 3600])
})

test('its owner sees of a session nothing that could stand in for it', () => {
  const shown = JSON.stringify(showSession(live, 'session'))
  assert.deepEqual(Object.keys(JSON.parse(shown)), [
    'id',
    'created_at',
    'last_seen_at',
    'device',
    'carrier',
    'current',
  ])
  assert.equal(showSession(live, 'another').current, false)
  assert.equal(showSession(live, null).current, false)
})
