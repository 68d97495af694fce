import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSendBound } from './bound.ts'
import { browserMachine } from './machine.ts'
import { createPeers } from './peers.ts'
import { createKeys } from './proof.ts'

const home = 'https://auth.example'
const device = 1_000_000_000_000
const later = (seconds: number) => new Date(device + seconds * 1000).toUTCString()
const keys = await createKeys(crypto.subtle)

type Heard = { request: Request; claims: Record<string, unknown> }

/** A network that gives these answers one after the other, the last one for ever. */
function network(...answers: [status: number, code: string | null, headers?: Record<string, string>][]) {
  const heard: Heard[] = []
  let ids = 0
  const machine = {
    ...browserMachine,
    now: () => device,
    id: () => `id ${ids++}`,
    subtle: () => crypto.subtle,
    async send(request: Request) {
      const claims = request.headers.get('dpop')?.split('.')[1] ?? ''
      heard.push({ request, claims: JSON.parse(Buffer.from(claims, 'base64url').toString()) })
      const [status, code, headers = {}] = answers[Math.min(heard.length, answers.length) - 1] ?? [500, null]
      const type = { 'content-type': 'application/problem+json' }
      return new Response(JSON.stringify({ code }), { status, headers: { ...type, ...headers } })
    },
  }
  return { heard, send: createSendBound(machine, createPeers(home, machine.now)) }
}

const request = () => new Request(`${home}/a?b`, { method: 'POST', body: 'the same body' })
const nonce = (value: string) => ({ 'dpop-nonce': value })

test('a nonce that the server asks for is in the next proof, once, with the body whole, and remembered', async () => {
  for (const code of ['proof_nonce_needed', 'use_dpop_nonce']) {
    const { heard, send } = network([401, code, nonce('n')], [200, null])
    assert.equal((await send(request(), { keys })).status, 200)
    assert.deepEqual(
      heard.map(({ claims }) => claims.nonce),
      [undefined, 'n'],
    )
    assert.equal(await heard[1]?.request.text(), 'the same body')
    await send(request(), { keys })
    assert.equal(heard[2]?.claims.nonce, 'n')
    assert.equal(new Set(heard.map(({ claims }) => claims.jti)).size, 3, 'no proof is sent twice')
  }
})

const once: [what: string, status: number, code: string, headers: Record<string, string>][] = [
  ['another refusal, though it brings a nonce', 401, 'sign_in_failed', nonce('n')],
  ['a nonce that is asked for and not given', 401, 'use_dpop_nonce', {}],
  ['a proof that is refused for other reasons than the time', 401, 'proof_invalid', nonce('n')],
  ['a server that is busy', 503, 'use_dpop_nonce', nonce('n')],
  ['success', 200, 'use_dpop_nonce', nonce('n')],
]
for (const [what, status, code, headers] of once) {
  test(`${what} is the answer, and nothing is sent again`, async () => {
    const { heard, send } = network([status, code, { date: later(0), ...headers }])
    assert.equal((await send(request(), { keys })).status, status)
    assert.equal(heard.length, 1)
  })
}

test('a device whose clock is hours off is told so, and proves at the server’s time', async () => {
  for (const code of ['proof_invalid', 'invalid_dpop_proof']) {
    const { heard, send } = network([401, code, { date: later(7200) }], [200, null, { date: later(7200) }])
    assert.equal((await send(request(), { keys })).status, 200)
    assert.deepEqual(
      heard.map(({ claims }) => claims.iat),
      [device / 1000, device / 1000 + 7200],
    )
  }
})

test('a server that is never content is asked three times and no more', async () => {
  let count = 0
  const headers = {
    get 'dpop-nonce'() {
      return `n${count++}`
    },
  }
  const { heard, send } = network([401, 'use_dpop_nonce', headers])
  assert.equal((await send(request(), { keys })).status, 401)
  assert.equal(heard.length, 3)
})

test('a request with a credential follows no redirect and takes no cookies along', async () => {
  const { heard, send } = network([200, null])
  await send(request(), { keys, token: 'at' })
  await send(new Request(home, { redirect: 'manual', credentials: 'include' }), { keys, token: 'at' })
  const sent = heard.map(({ request: { redirect, credentials } }) => [redirect, credentials])
  assert.deepEqual(sent, [
    ['error', 'omit'],
    ['manual', 'omit'],
  ])
  assert.equal(heard[0]?.request.headers.get('authorization'), 'DPoP at')
})
