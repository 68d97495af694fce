import { createHash, createHmac, createPublicKey, createVerify, randomUUID } from 'node:crypto'
import type { Sent } from '../attack/index.ts'
import { headerIn } from './holed-guard.ts'

type Part = Record<string, unknown>
type Proof = { header: Part; claims: Part; input: string; signature: string }

export type HoledProofs = {
  /** The nonce that a proof has to hold now. */
  nonce(): string
  /** The thumbprint of the key of a good proof at a sign-in or a refresh; `null` where there is none. */
  keyOf(sent: Sent): string | null
  /** Whether the request shows a token that is bound to the key of this thumbprint rightly. */
  fits(sent: Sent, bound: { token: string; thumbprint: string }): boolean
}

/** More than one way in which the hole of a name can be open; each is a hole of its own, by its name and the way. */
export const ways: Readonly<Record<string, readonly string[]>> = {
  'proof-other-address': ['path', 'host'],
  'proof-other-token': ['another', 'none'],
  'proof-untimely': ['old', 'ahead'],
  'proof-unsigned': ['unchecked', 'empty', 'none', 'shared'],
  'refresh-without-key': ['no proof', 'another key'],
}

/** Whether a hole is open in this way: by its bare name it is in all. */
export const isOpen = (open: ReadonlySet<string>, hole: string, way: string): boolean =>
  open.has(hole) || open.has(`${hole} ${way}`)

const origin = 'https://app.example'
const requestsPerNonce = 5
const proofSeconds = 60

/**
 * A DPoP library as careless as the open holes say. Its nonces change quickly; one is demanded where something is handed
 * out, and where `isStrict` everywhere, which bounds the time of proofs as well.
 */
export function holedProofs(given: {
  open: ReadonlySet<string>
  now: () => number
  isStrict: boolean
}): HoledProofs {
  const { open, now, isStrict } = given
  const is = (hole: string, way: string) => isOpen(open, hole, way)
  const seen = new Set<string>()
  const nonces = [drawn(), drawn()]
  let shown = 0

  function isSigned({ header, input, signature }: Proof): boolean {
    const { alg } = header
    if (is('proof-unsigned', 'none') && /^none$/i.test(String(alg)) && signature === '') return true
    if (is('proof-unsigned', 'empty') && alg === 'ES256' && signature === '') return true
    if (is('proof-unsigned', 'unchecked') && alg === 'ES256' && signature !== '') return true
    const key = createPublicKey({ key: publicPart(header.jwk as Part), format: 'jwk' })
    if (is('proof-unsigned', 'shared') && alg === 'HS256') {
      const pem = String(key.export({ type: 'spki', format: 'pem' }))
      return createHmac('sha256', pem).update(input).digest('base64url') === signature
    }
    if (alg !== 'ES256' || header.typ !== 'dpop+jwt') return false
    const dsaEncoding = 'ieee-p1363'
    return createVerify('sha256').update(input).verify({ key, dsaEncoding }, signature, 'base64url')
  }

  function isAbout(sent: Sent, claims: Part): boolean {
    const own = new URL(sent.path.replace(/[?#].*/s, ''), origin)
    const named = new URL(String(claims.htu))
    if (claims.htm !== sent.method && !open.has('proof-other-method')) return false
    if (named.pathname !== own.pathname && !is('proof-other-address', 'path')) return false
    return named.origin === own.origin || is('proof-other-address', 'host')
  }

  function isTimely({ iat }: Part): boolean {
    const age = now() - Number(iat)
    if (age > proofSeconds && !is('proof-untimely', 'old')) return false
    return age >= -proofSeconds || is('proof-untimely', 'ahead')
  }

  /** Everything that does not depend on a token. */
  function sound(sent: Sent, needsNonce: boolean): Proof | null {
    const proof = readProof(headerIn(sent, 'dpop'))
    if (proof === null || (needsNonce && !nonces.includes(String(proof.claims.nonce)))) return null
    if (!isTimely(proof.claims) || !isAbout(sent, proof.claims)) return null
    if ((proof.header.jwk as Part).d !== undefined && !open.has('proof-private-key')) return null
    return isSigned(proof) ? proof : null
  }

  function isFirst({ claims }: Proof): boolean {
    const id = String(claims.jti)
    if (seen.has(id) && !open.has('proof-replayed')) return false
    seen.add(id)
    return true
  }

  return {
    nonce() {
      shown += 1
      if (shown % requestsPerNonce === 0) nonces.splice(0, 1, ...nonces.splice(1), drawn())
      return nonces.at(-1) ?? ''
    },
    keyOf(sent) {
      const proof = sound(sent, true)
      return proof !== null && isFirst(proof) ? thumbprintOf(proof.header.jwk as Part) : null
    },
    fits(sent, { token, thumbprint }) {
      if (headerIn(sent, 'dpop') === null) return open.has('bound-without-proof')
      const proof = sound(sent, isStrict)
      if (proof === null) return false
      const { ath } = proof.claims
      if (ath === undefined ? !is('proof-other-token', 'none') : ath !== digest(token)) {
        if (ath === undefined || !is('proof-other-token', 'another')) return false
      }
      const isHolder = thumbprintOf(proof.header.jwk as Part) === thumbprint
      return (isHolder || open.has('proof-other-key')) && isFirst(proof)
    },
  }
}

function readProof(text: string | null): Proof | null {
  const [header = '', payload = '', signature, ...rest] = (text ?? '').split('.')
  if (signature === undefined || rest.length > 0) return null
  const read = (part: string): Part => JSON.parse(Buffer.from(part, 'base64url').toString())
  return { header: read(header), claims: read(payload), input: `${header}.${payload}`, signature }
}

/** Too short to look like a secret. */
const drawn = () => randomUUID().slice(0, 18)
const digest = (text: string) => createHash('sha256').update(text).digest('base64url')
const publicPart = ({ crv, kty, x, y }: Part) => ({
  ...{ crv: String(crv), kty: String(kty), x: String(x), y: String(y) },
})
const thumbprintOf = (jwk: Part) => digest(JSON.stringify(publicPart(jwk)))
