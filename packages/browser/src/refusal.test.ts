import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codesOf, Refusal, refusalOf } from './refusal.ts'

function answer(body: string, headers: Record<string, string>, status = 401): Response {
  return new Response(body, { status, headers })
}
const problem = { 'content-type': 'application/problem+json' }
const json = { 'content-type': 'application/json' }

const answers: [what: string, given: Response, codes: unknown[]][] = [
  ['a problem', answer('{"code":"session_ended"}', problem), ['session_ended']],
  ['an error of OAuth', answer('{"error":"use_dpop_nonce"}', json, 400), ['use_dpop_nonce']],
  [
    'a challenge of two schemes',
    answer('', { 'www-authenticate': 'Bearer realm="a", DPoP algs="ES256", error="use_dpop_nonce"' }),
    ['use_dpop_nonce'],
  ],
  [
    'a problem with a challenge',
    answer('{"code":"token_expired"}', { ...problem, 'www-authenticate': 'DPoP error="invalid_token"' }),
    ['token_expired', 'invalid_token'],
  ],
  ['a page', answer('<p>{"code":"x"}', { 'content-type': 'text/html' }), []],
  ['broken JSON', answer('{"code":', json), []],
  ['JSON that is no object', answer('null', json), []],
]
for (const [what, given, codes] of answers) {
  test(`${what} says ${JSON.stringify(codes)} of itself, and can be read once more`, async () => {
    assert.deepEqual(
      (await codesOf(given)).filter((code) => code !== undefined),
      codes,
    )
    assert.equal(given.bodyUsed, false)
  })
}

test('a refused answer becomes a refusal with its code, its sentence and how long to wait', async () => {
  const body = '{"code":"too_many_attempts","title":"Wait a little."}'
  const refusal = await refusalOf(answer(body, { ...problem, 'retry-after': '60' }, 429))
  assert.ok(refusal instanceof Refusal)
  const { code, status, message, retryAfterSeconds } = refusal
  assert.deepEqual(
    { code, status, message, retryAfterSeconds },
    { code: 'too_many_attempts', status: 429, message: 'Wait a little.', retryAfterSeconds: 60 },
  )
})

test('an answer that says nothing is a refusal all the same', async () => {
  const { code, message, retryAfterSeconds } = await refusalOf(answer('', {}, 502))
  assert.deepEqual([code, message, retryAfterSeconds], ['unknown', 'The server answered 502.', null])
})
