const encoder = new TextEncoder()

export type ProofOf = {
  method: string
  url: string
  /** Whole seconds, by the clock of whoever will read it. */
  at: number
  id: string
  nonce?: string | undefined
  /** The access token that goes with it. */
  token?: string | undefined
}

/** A key that signs here and can be copied nowhere: what cannot be exported cannot be stolen by reading. */
export async function createKeys(subtle: SubtleCrypto): Promise<CryptoKeyPair> {
  return subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify'])
}

/** A DPoP proof (RFC 9449 4.2): this request, by the holder of this key, at this time. */
export async function createProof(subtle: SubtleCrypto, keys: CryptoKeyPair, of: ProofOf): Promise<string> {
  const { kty, crv, x, y } = await subtle.exportKey('jwk', keys.publicKey)
  const { origin, pathname } = new URL(of.url)
  const ath =
    of.token === undefined ? undefined : base64url(await subtle.digest('SHA-256', encoder.encode(of.token)))
  const claims = { jti: of.id, htm: of.method, htu: origin + pathname, iat: of.at, nonce: of.nonce, ath }
  const header = { typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y } }
  const signed = [header, claims].map((part) => base64url(encoder.encode(JSON.stringify(part)))).join('.')
  const algorithm = { name: 'ECDSA', hash: 'SHA-256' }
  return `${signed}.${base64url(await subtle.sign(algorithm, keys.privateKey, encoder.encode(signed)))}`
}

function base64url(bytes: ArrayBuffer | Uint8Array): string {
  const text = String.fromCharCode(...new Uint8Array(bytes))
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/** What an access token says of itself. Nothing is checked: the server is asked, not believed. */
export function claimsOf(token: string): Record<string, unknown> {
  try {
    const claims = (token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/')
    return { ...JSON.parse(atob(claims)) }
  } catch {
    return {}
  }
}
