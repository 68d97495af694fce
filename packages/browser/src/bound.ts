import type { Machine } from './machine.ts'
import type { Peers } from './peers.ts'
import { createProof } from './proof.ts'
import { codesOf } from './refusal.ts'

export type Bound = { keys: CryptoKeyPair; token?: string }
export type SendBound = (
  request: Request,
  bound: Bound,
  credentials?: RequestCredentials,
) => Promise<Response>

/** OAuth's words and the server's own for the same. */
const nonceCodes = ['use_dpop_nonce', 'proof_nonce_needed']
const proofCodes = ['invalid_dpop_proof', 'proof_invalid']

/** A device whose clock is off by more than this is told so by the answer's own time. Milliseconds. */
const noticeable = 5_000

/**
 * Sends a request with a proof by the key, and with the token that is bound to it. Where the server wants a nonce, or
 * another time of day, it says so and has done nothing yet: then once more. It follows no redirect: what it carries is
 * for this address alone.
 */
export function createSendBound(machine: Machine, peers: Peers): SendBound {
  async function attempt(request: Request, { keys, token }: Bound, credentials: RequestCredentials) {
    const { origin } = new URL(request.url)
    const { method, url } = request
    const at = { at: peers.now(origin), nonce: peers.nonce(origin), id: machine.id() }
    const headers = new Headers(request.headers)
    headers.set('dpop', await createProof(machine.subtle(), keys, { method, url, token, ...at }))
    if (token !== undefined) headers.set('authorization', `DPoP ${token}`)
    const redirect = request.redirect === 'manual' ? 'manual' : 'error'
    const response = await machine.send(new Request(request.clone(), { headers, credentials, redirect }))
    peers.hear(origin, response.headers)
    return response
  }

  return async (request, bound, credentials = 'omit') => {
    const { origin } = new URL(request.url)
    for (let round = 0; ; round++) {
      const [nonce, ahead] = [peers.nonce(origin), peers.now(origin) * 1000 - machine.now()]
      const response = await attempt(request, bound, credentials)
      if (round === 2 || (response.status !== 400 && response.status !== 401)) return response
      const codes = await codesOf(response)
      const isNew = nonceCodes.some((code) => codes.includes(code)) && peers.nonce(origin) !== nonce
      const moved = Math.abs(peers.now(origin) * 1000 - machine.now() - ahead) > noticeable
      if (!isNew && !(moved && proofCodes.some((code) => codes.includes(code)))) return response
    }
  }
}
