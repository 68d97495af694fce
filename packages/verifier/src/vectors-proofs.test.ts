import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAccessToken, proveAccessToken } from './access-token.ts'
import { readCredential } from './credentials.ts'
import { proofOf } from './incoming.ts'
import type { JsonObject } from './json.ts'
import { parseKeySet } from './key-set.ts'
import { requireScheme } from './proof.ts'
import { createProofCheck, type ProofCheck } from './proof-check.ts'
import { Refusal } from './refusal.ts'
import { readOwnVectors } from './testing/own-vectors.ts'

type ProofCase = {
  name: string
  authorization: string
  method: string
  target: string
  dpop: string | null
  /** Proofs that the same verifier accepted just before. */
  after?: string[]
  /** The nonces that are taken; absent: none is demanded. */
  nonces?: string[]
  jkt?: string
  refusal?: string
}
type ProofFile = {
  issuer: string
  audience: string
  origin: string
  now: number
  jwks: JsonObject
  rfc9449: {
    figure: number
    dpop: string
    method: string
    address: string
    token: string | null
    now: number
    jkt: string
  }[]
  cases: ProofCase[]
}

const file = readOwnVectors<ProofFile>('proofs', 100)

/** What a verifier does with a request that shows a bound token, all in one. */
async function judge(proofs: ProofCheck, given: ProofCase, dpop: string | null): Promise<string> {
  const { issuer, audience, now, origin } = file
  const keys = parseKeySet(file.jwks)
  const credential = readCredential({ authorization: given.authorization, cookie: null })
  assert.ok(keys !== null && credential !== null && credential.kind !== 'cookie')
  const unproven = parseAccessToken(credential.token)
  const key = keys.get(unproven.kid)
  assert.ok(key !== undefined)
  const { confirmation } = await proveAccessToken(unproven, { key, issuer, audience, now })
  if (credential.kind === 'bearer') requireScheme('bearer', confirmation)
  else requireScheme('dpop', confirmation)
  assert.ok(confirmation !== null)
  const headers = new Headers(dpop === null ? {} : { dpop })
  const { header, ...about } = proofOf({ method: given.method, url: given.target, headers }, origin)
  const { nonces } = given
  const isOurNonce = nonces === undefined ? null : (nonce: string) => nonces.includes(nonce)
  const proof = await proofs.check(header, { ...about, token: credential.token, now, isOurNonce })
  proofs.use(proof, confirmation, now)
  return confirmation
}

for (const given of file.cases) {
  test(`vector, proof: ${given.name}: ${given.refusal ?? 'accepted'}`, async () => {
    const proofs = createProofCheck({ entries: 100 })
    for (const earlier of given.after ?? []) await judge(proofs, given, earlier)
    const found = await judge(proofs, given, given.dpop).then(
      (jkt) => ({ jkt }),
      (error: unknown) => {
        if (!(error instanceof Refusal)) throw error
        return { refusal: error.code }
      },
    )
    assert.deepEqual(found, given.refusal === undefined ? { jkt: given.jkt } : { refusal: given.refusal })
  })
}

for (const { figure, dpop, method, address: target, token, now, jkt } of file.rfc9449) {
  test(`RFC 9449, figure ${figure}: the proof is good, by the key of that thumbprint, and for this request alone`, async () => {
    const proofs = createProofCheck({ entries: 100 })
    const expected = { method, target, token, now, isOurNonce: null }
    const proof = await proofs.check(dpop, expected)
    assert.equal(proof.thumbprint, jkt)
    proofs.use(proof, jkt, now)
    for (const changes of [
      { method: 'PUT' },
      { target: `${target}/x` },
      { token: 'other' },
      { now: now + 61 },
    ])
      await assert.rejects(proofs.check(dpop, { ...expected, ...changes }), { code: 'proof_invalid' })
  })
}
