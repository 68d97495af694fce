import { decodeBase64url } from '@counterfoil/verifier'

/**
 * Id and secret of `client_secret_basic` (RFC 6749 2.3.1): both are form-encoded before they are joined, or `null` for
 * anything else.
 */
export function readBasic(authorization: string | null): { id: string; secret: string } | null {
  const [, encoded] = /^Basic ([A-Za-z0-9+/]{1,1024}={0,2})$/i.exec(authorization ?? '') ?? []
  if (encoded === undefined) return null
  const bytes = decodeBase64url(encoded.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, ''))
  if (bytes === null) return null
  const text = new TextDecoder('latin1').decode(bytes)
  const colon = text.indexOf(':')
  if (colon === -1) return null
  const [id, secret] = [formDecoded(text.slice(0, colon)), formDecoded(text.slice(colon + 1))]
  return id === null || secret === null ? null : { id, secret }
}

function formDecoded(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return null
  }
}
