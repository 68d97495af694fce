import { proofAlgorithms } from './proof-key.ts'
import type { Refusal } from './refusal.ts'

const realm = 'realm="counterfoil"'
const algorithms = `algs="${proofAlgorithms.join(' ')}"`
const bearer = `Bearer ${realm}`
const dpop = `DPoP ${realm}, ${algorithms}`

/**
 * `WWW-Authenticate` of a 401. An error only where a token was shown (RFC 6750 3), in the words of the scheme that it was
 * shown by (RFC 9449 7.1); nobody who shows nothing is told more than what would do.
 */
export function challengeOf({ code, challenge }: Refusal, authorization: string | null): string {
  const isBound = authorization !== null && /^dpop /i.test(authorization)
  if (challenge !== null) return `${isBound ? dpop : bearer}, ${challenge}`
  if (authorization === null) return `${bearer}, ${dpop}`
  if (!isBound) return `${bearer}, error="invalid_token"`
  return `${dpop}, error="${proofErrors.get(code) ?? 'invalid_token'}"`
}

const proofErrors = new Map([
  ['proof_invalid', 'invalid_dpop_proof'],
  ['proof_nonce_needed', 'use_dpop_nonce'],
])
