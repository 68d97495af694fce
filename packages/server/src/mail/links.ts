import { decodeBase64url, encodeBase64url } from '@counterfoil/verifier'
import type { Secrets } from '../machine.ts'

/** A link of one purpose opens nothing of the other. */
export type LinkPurpose = 'verify' | 'reset'

const idBytes = 16
const tagBytes = 32

export type Links = {
  /** What travels in the mail: the record's id and a tag that only the root secret can make. */
  linkToken(purpose: LinkPurpose, id: string): string
  /**
   * The id, or `null` for a token that we did not make for this purpose. It says nothing about whether the record
   * still exists, has expired or was used: that is for whoever owns the record.
   */
  readLinkToken(purpose: LinkPurpose, token: string): string | null
}

export function createLinks(secrets: Secrets): Links {
  const linkToken = (purpose: LinkPurpose, id: string): string => {
    const bytes = decodeBase64url(id)
    if (bytes?.byteLength !== idBytes) throw new Error('A link can only be made for an id of 16 bytes.')
    return encodeBase64url(Buffer.concat([bytes, secrets.derive('mail_link', purpose, id)]))
  }
  return {
    linkToken,
    readLinkToken(purpose, token) {
      if (token.length !== ((idBytes + tagBytes) * 4) / 3) return null
      const bytes = decodeBase64url(token)
      if (bytes === null) return null
      const id = encodeBase64url(bytes.subarray(0, idBytes))
      return secrets.equal(linkToken(purpose, id), token) ? id : null
    },
  }
}
