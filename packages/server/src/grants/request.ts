import { decodeBase64url, encodeBase64url, parseJsonObject } from '@counterfoil/verifier'
import * as z from 'zod'
import type { Secrets } from '../machine.ts'
import { grantId, grantTerms } from './grant.ts'

/** How long an application's question to a person stays open. */
export const requestSeconds = 3600

/** What an application asks a person to approve, in the address that it sends them to. */
export const grantRequest = grantTerms.extend({
  /** Of the grant that will be: a request that is approved twice is one grant. */
  id: grantId,
  /** Who is asked; `null`: whoever is signed in. */
  account_id: z.string().max(64).nullable(),
  /** A path of our own to go on to. */
  return_to: z.string().max(512).nullable(),
  expires_at: z.int(),
})

export type GrantRequest = z.infer<typeof grantRequest>

const utf8 = new TextEncoder()
const longest = 8192

/** Signed, so that the words on the page are an application's of ours and nobody else's. It is no secret. */
export function sealRequest(secrets: Secrets, request: GrantRequest): string {
  const body = utf8.encode(JSON.stringify(request))
  return `${encodeBase64url(body)}.${encodeBase64url(secrets.derive('grant_request', body))}`
}

/** `null` for one that is not ours, or whose time is over. */
export function openRequest(secrets: Secrets, sealed: string, now: number): GrantRequest | null {
  const [text = '', tag = '', ...more] = sealed.length > longest ? [] : sealed.split('.')
  const body = decodeBase64url(text)
  if (body === null || body.byteLength === 0 || more.length > 0) return null
  if (!secrets.equal(tag, encodeBase64url(secrets.derive('grant_request', body)))) return null
  const parsed = grantRequest.safeParse(parseJsonObject(new TextDecoder().decode(body)))
  return parsed.success && now < parsed.data.expires_at ? parsed.data : null
}
