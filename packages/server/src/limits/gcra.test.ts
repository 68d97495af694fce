import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decide, type Limit } from './gcra.ts'

const limit: Limit = { name: 'test', burst: 3, intervalSeconds: 60 }

const table: [what: string, arrivalAt: number | null, expected: ReturnType<typeof decide>][] = [
  ['a key nobody used', null, { allowed: true, arrivalAt: 1060, remaining: 2, retryAfterSeconds: 0 }],
  ['a key used long ago', 10, { allowed: true, arrivalAt: 1060, remaining: 2, retryAfterSeconds: 0 }],
  ['the second attempt', 1060, { allowed: true, arrivalAt: 1120, remaining: 1, retryAfterSeconds: 0 }],
  ['the last of the burst', 1120, { allowed: true, arrivalAt: 1180, remaining: 0, retryAfterSeconds: 0 }],
  ['one too many', 1180, { allowed: false, arrivalAt: 1180, remaining: 0, retryAfterSeconds: 60 }],
  ['one second too early', 1121, { allowed: false, arrivalAt: 1121, remaining: 0, retryAfterSeconds: 1 }],
]

for (const [what, arrivalAt, expected] of table) {
  test(`${what}: ${expected.allowed ? 'allowed' : 'refused'}, ${expected.remaining} left`, () => {
    assert.deepEqual(decide({ limit, arrivalAt, now: 1000 }), expected)
  })
}

test('in any stretch of time no more than the burst and one an interval are allowed, and waiting as told is enough', () => {
  const limits = fc.record({
    name: fc.constant('x'),
    burst: fc.integer({ min: 1, max: 8 }),
    intervalSeconds: fc.integer({ min: 1, max: 90 }),
  })
  fc.assert(
    fc.property(limits, fc.array(fc.integer({ min: 0, max: 120 }), { maxLength: 60 }), (given, pauses) => {
      let arrivalAt: number | null = null
      let now = 0
      const allowedAt: number[] = []
      for (const pause of pauses) {
        now += pause
        const made = decide({ limit: given, arrivalAt, now })
        if (made.allowed) allowedAt.push(now)
        else assert.ok(decide({ limit: given, arrivalAt, now: now + made.retryAfterSeconds }).allowed)
        arrivalAt = made.arrivalAt
      }
      for (const [first, from] of allowedAt.entries()) {
        for (const [last, to] of allowedAt.entries()) {
          if (last < first) continue
          assert.ok(last - first + 1 <= given.burst + Math.floor((to - from) / given.intervalSeconds))
        }
      }
    }),
  )
})
