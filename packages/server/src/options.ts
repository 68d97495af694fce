import { decodeBase64url } from '@counterfoil/verifier'

/** The issuer as one bare origin, or an `Error` that names the setting and the remedy. */
export function parseIssuer(given: string): { origin: string; isHttps: boolean; isLocal: boolean } {
  const url = URL.canParse(given) ? new URL(given) : null
  const isHttps = url?.protocol === 'https:'
  const isLocal = url?.protocol === 'http:' && /^(?:[a-z0-9-]+\.)*localhost$/.test(url.hostname)
  if (url === null || url.origin !== given || !(isHttps || isLocal)) {
    throw new Error(
      `issuer (COUNTERFOIL_ISSUER, --issuer) is "${given}". Give the bare origin that browsers use, such as https://auth.example, without a path or a final slash; plain http is for localhost and *.localhost alone.`,
    )
  }
  return { origin: url.origin, isHttps, isLocal }
}

/** The bytes of a root secret. Text that is not base64url of 32 bytes or more counts by its own bytes. */
export function secretBytes(given: string | Uint8Array): Uint8Array {
  if (typeof given !== 'string') return given
  // A file that was read whole ends in a line break; that is no part of the secret.
  const text = given.trim()
  const decoded = decodeBase64url(text)
  return decoded !== null && decoded.length >= 32 ? decoded : new TextEncoder().encode(text)
}
