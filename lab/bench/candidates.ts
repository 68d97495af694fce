import { createPublicKey, type KeyObject, verify as verifySignature } from 'node:crypto'
import type { Caller, Verifier } from '@counterfoil/verifier'
import { type Wire, wireOf } from './credentials.ts'
import { type Peers, peerName } from './peers.ts'
import type { Candidate } from './rounds.ts'

export const names = {
  string: 'making the string alone (paid by every row)',
  warm: 'counterfoil verify(token), warm',
  busy: 'counterfoil verify(token), warm, 42,000 ends in the view',
  cookie: 'counterfoil verifyCookie(value), warm',
  cold: 'counterfoil verify(token), cold',
  bound: 'counterfoil check(request), DPoP, warm token, new proof',
  raw: 'crypto.verify alone, no string',
}

/** A check that is not over at once, or of nobody, must not be taken for a fast one. */
function assertCaller(found: Caller | null | Promise<Caller | null>): asserts found is Caller {
  if (found === null || found instanceof Promise) throw new Error('not warm')
}

function warm(
  name: string,
  wire: Wire,
  check: (credential: string) => Caller | null | Promise<Caller | null>,
) {
  return {
    name,
    batch: 1000,
    run(count: number) {
      for (let done = 0; done < count; done++) assertCaller(check(wire.next()))
    },
  }
}

export function warmToken(name: string, verifier: Verifier, tokens: readonly string[]): Candidate {
  return warm(name, wireOf(tokens), (token) => verifier.verify(token))
}

export function warmCookie(verifier: Verifier, cookies: readonly string[]): Candidate {
  return warm(names.cookie, wireOf(cookies), (value) => verifier.verifyCookie(value))
}

export function stringAlone(tokens: readonly string[]): Candidate {
  const wire = wireOf(tokens)
  return {
    name: names.string,
    batch: 1000,
    run(count) {
      let characters = 0
      for (let done = 0; done < count; done++) characters += wire.next().length
      if (characters === 0) throw new Error('nothing was made')
    },
  }
}

/** `verifier` remembers fewer than half of the tokens, so that it knows none of them any more when it comes again. */
export function coldToken(verifier: Verifier, tokens: readonly string[]): Candidate {
  const wire = wireOf(tokens)
  return {
    name: names.cold,
    batch: 25,
    async run(count) {
      if (verifier.status().entries * 2 > tokens.length) throw new Error('not cold')
      for (let done = 0; done < count; done++) await verifier.verify(wire.next())
    },
  }
}

/** The least that any check of a signature can cost: everything but OpenSSL's part was done before. */
export function rawVerify(key: KeyObject, tokens: readonly string[]): Candidate {
  const parts = tokens.map((token) => {
    const end = token.lastIndexOf('.')
    return {
      data: Buffer.from(token.slice(0, end)),
      signature: Buffer.from(token.slice(end + 1), 'base64url'),
    }
  })
  const options = { key, dsaEncoding: 'ieee-p1363' } as const
  let at = 0
  return {
    name: names.raw,
    batch: 25,
    run(count) {
      for (let done = 0; done < count; done++) {
        const part = parts[at++ % parts.length]
        if (part === undefined || !verifySignature('sha256', part.data, options, part.signature))
          throw new Error('refused')
      }
    },
  }
}

export const peerNames = {
  cached: `${peerName('fast-jwt')}, cache on (hit)`,
  uncached: `${peerName('fast-jwt')}, cache off`,
  jose: `${peerName('jose')}, one after another`,
  together: `${peerName('jose')}, 25 at once (on other threads too)`,
  jsonWebToken: `${peerName('jsonwebtoken')}`,
}

/** Each checks signature, algorithm, issuer, audience and time; each key is imported once. */
export async function signaturePeers(
  { fastJwt, jose, jsonWebToken }: Peers,
  given: PeerTokens,
): Promise<Candidate[]> {
  const { jwk, issuer, tokens } = given
  const key = keyFrom(jwk)
  const webKey = await jose.importJWK(jwk, 'ES256')
  const uncached = fastJwt.createVerifier({ ...fastOptions(given), cache: false })
  const options = { algorithms, issuer, audience: issuer }
  const joseOptions = { ...options, typ: 'at+jwt' }
  const [one, many] = [wireOf(tokens), wireOf(tokens)]
  return [
    peer(peerNames.uncached, { batch: 25, tokens }, uncached),
    peer(peerNames.jsonWebToken, { batch: 25, tokens }, (token) => jsonWebToken.verify(token, key, options)),
    {
      name: peerNames.jose,
      batch: 25,
      async run(count) {
        for (let done = 0; done < count; done++) await jose.jwtVerify(one.next(), webKey, joseOptions)
      },
    },
    {
      name: peerNames.together,
      batch: 25,
      async run(count) {
        await Promise.all(
          Array.from({ length: count }, () => jose.jwtVerify(many.next(), webKey, joseOptions)),
        )
      },
    },
  ]
}

/** The one that remembers what it has checked. */
export function cachedPeer({ fastJwt }: Peers, given: PeerTokens): Candidate {
  const cached = fastJwt.createVerifier({ ...fastOptions(given), cache: 10_000 })
  return peer(peerNames.cached, { batch: 1000, tokens: given.tokens }, cached)
}

type PeerTokens = { readonly jwk: object; readonly issuer: string; readonly tokens: readonly string[] }

const algorithms = ['ES256']

function fastOptions({ jwk, issuer }: PeerTokens) {
  const key = String(keyFrom(jwk).export({ type: 'spki', format: 'pem' }))
  return { key, algorithms, allowedIss: issuer, allowedAud: issuer }
}

function peer(
  name: string,
  { batch, tokens }: { batch: number; tokens: readonly string[] },
  check: (token: string) => { readonly sub?: unknown },
): Candidate {
  const wire = wireOf(tokens)
  return {
    name,
    batch,
    run(count) {
      for (let done = 0; done < count; done++) if (check(wire.next()).sub === undefined) throw new Error(name)
    },
  }
}

export function keyFrom(jwk: object): KeyObject {
  return createPublicKey({ key: { ...jwk }, format: 'jwk' })
}
