import { createHash } from 'node:crypto'
import type { Clock, Entropy, Signing } from '../machine.ts'
import { jwtOf, type Part } from './jwt.ts'
import type { Redaction } from './redaction.ts'
import { type Answer, headerOf, type Sent, type Wire } from './wire.ts'

/** Who holds the key that a token is bound to (DPoP, RFC 9449): made for one sign-in, and kept no longer than the run. */
export type Holder = {
  readonly jwk: Part
  /** As RFC 7638 has it, and `cnf.jkt` of a token. */
  readonly thumbprint: string
  readonly privateJwk: Part
  readonly sign: (input: string) => string
}

/** A proof before it is signed. */
export type Draft = { header: Part; claims: Part; sign: (input: string) => string }

export type Proving = {
  holder: Holder
  /** The access token beside it; `null` where none is shown, as at a sign-in. */
  token: string | null
  /** What an attacker makes of it. */
  bend?: (draft: Draft) => Draft
}

type Prover = {
  readonly tools: { clock: Clock; entropy: Entropy; signing: Signing }
  readonly redaction: Redaction
  readonly origin: string
  readonly shared: Map<string, unknown>
  send: Wire
}

export async function newHolder({ tools, redaction }: Prover): Promise<Holder> {
  const { publicJwk, privateJwk } = await tools.signing.generate('ES256')
  const { kty, crv, x, y, kid = '' } = publicJwk
  const whole = JSON.parse(privateJwk) as Part
  redaction.hide(String(whole.d))
  const sign = tools.signing.load(privateJwk, 'ES256')
  return {
    jwk: { kty, crv, x, y },
    thumbprint: kid,
    privateJwk: { kty, crv, x, y, d: whole.d },
    sign: (input) => Buffer.from(sign(input)).toString('base64url'),
  }
}

/** What of an address a proof names: no query (RFC 9449 section 4.2), and the origin that browsers see. */
export const addressFor = ({ origin }: Pick<Prover, 'origin'>, path: string): string =>
  origin + path.replace(/[?#].*$/s, '')

export const hashOf = (token: string): string => createHash('sha256').update(token).digest('base64url')

/** The request with a proof for its own method and address. */
function prove(prover: Prover, sent: Sent, proving: Proving): Sent {
  const { holder, token, bend = (draft) => draft } = proving
  const { clock, entropy } = prover.tools
  const nonce = nonceOf(prover)
  const claims = {
    ...{ jti: entropy.id(), iat: clock.now(), htm: sent.method, htu: addressFor(prover, sent.path) },
    ...(token === null ? {} : { ath: hashOf(token) }),
    ...(nonce === null ? {} : { nonce }),
  }
  const header = { typ: 'dpop+jwt', alg: 'ES256', jwk: holder.jwk }
  const bent = bend({ header, claims, sign: holder.sign })
  const proof = jwtOf(bent.header, bent.claims, bent.sign)
  prover.redaction.hide(proof)
  return { ...sent, headers: [...sent.headers, ['DPoP', proof]] }
}

/** Sends it with a proof, and once more where the target wants another nonce in it (RFC 9449 sections 8 and 9). */
export async function sendProven(
  prover: Prover,
  sent: Sent,
  proving: Proving,
): Promise<{ answer: Answer; shown: Sent }> {
  const before = nonceOf(prover)
  const shown = prove(prover, sent, proving)
  const answer = await prover.send(shown)
  takeNonce(prover, answer)
  if (![400, 401].includes(answer.status) || nonceOf(prover) === before) return { answer, shown }
  const again = prove(prover, sent, proving)
  const second = await prover.send(again)
  takeNonce(prover, second)
  return { answer: second, shown: again }
}

/** What the target last gave: it is the target's, whoever is asked for it. */
const nonceOf = ({ shared }: Prover) => (shared.get('nonce') as string | undefined) ?? null

function takeNonce({ redaction, shared }: Prover, answer: Answer): void {
  const nonce = headerOf(answer, 'dpop-nonce')
  // The characters that RFC 9449 section 8.1 allows, and no more of them than fit beside the rest.
  if (nonce === null || !/^[\x21\x23-\x5b\x5d-\x7e]{1,500}$/.test(nonce)) return
  redaction.hide(nonce)
  shared.set('nonce', nonce)
}
