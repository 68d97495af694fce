import { decodeBase64url } from '@counterfoil/verifier'
import { refuse } from '../refusals.ts'
import { type Assertion, readAssertion } from './assertion.ts'
import { firstPartyClient, isClientId } from './client.ts'

/** What a request shows of a client: its header, and the fields of its form (RFC 6749 2.3, RFC 7521 4.2). */
export type ShownClient = {
  authorization: string | null
  client_id?: string | undefined
  client_secret?: string | undefined
  client_assertion?: string | undefined
  client_assertion_type?: string | undefined
}

export type ClientProof =
  | { method: 'client_secret_basic' | 'client_secret_post'; id: string; secret: string }
  | { method: 'private_key_jwt'; id: string; assertion: Assertion }
  | { method: 'none'; id: string }

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/**
 * The one proof that a request shows; nothing of it is believed yet. More than one refuses the request (RFC 6749 2.3),
 * and so does a `client_id` beside a proof that names another client. Whoever shows nothing at all is the built-in client.
 */
export function readProof(shown: ShownClient): ClientProof {
  const { authorization, client_id: named } = shown
  const hasHeader = authorization !== null
  // A parameter without a value counts as left out (RFC 6749 3.2).
  const hasSecret = (shown.client_secret ?? '') !== ''
  const hasAssertion = (shown.client_assertion ?? shown.client_assertion_type ?? '') !== ''
  if (Number(hasHeader) + Number(hasSecret) + Number(hasAssertion) > 1)
    refuse('input_invalid', { detail: 'a client shows more than one proof' })
  const proof = hasHeader
    ? basicProof(authorization)
    : hasAssertion
      ? assertionProof(shown)
      : hasSecret
        ? ({ method: 'client_secret_post', id: named ?? '', secret: shown.client_secret ?? '' } as const)
        : ({ method: 'none', id: named ?? firstPartyClient } as const)
  if (!isClientId(proof.id)) refuse('client_invalid', { detail: 'no id of a client' })
  if (named !== undefined && named !== proof.id)
    refuse('client_invalid', { detail: 'client_id names another client than the proof' })
  return proof
}

function basicProof(authorization: string): ClientProof {
  const shown = readBasic(authorization) ?? refuse('client_invalid')
  return { method: 'client_secret_basic', ...shown }
}

function assertionProof(shown: ShownClient): ClientProof {
  if (shown.client_assertion_type !== assertionType)
    refuse('client_invalid', { detail: 'client_assertion_type is not jwt-bearer' })
  const assertion =
    readAssertion(shown.client_assertion ?? '') ??
    refuse('client_invalid', { detail: 'the assertion is no JWT of a client' })
  return { method: 'private_key_jwt', id: assertion.clientId, assertion }
}

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
