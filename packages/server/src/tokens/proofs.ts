import {
  type Checker,
  createProofCheck,
  encodeBase64url,
  type Proof,
  type ShownProof,
  wallSeconds,
} from '@counterfoil/verifier'
import type { Secrets, Watch } from '../machine.ts'
import { refuse } from '../refusals.ts'

/** Proofs that whoever sends a request holds a key (RFC 9449). */
export type Proofs = {
  /** What a proof has to be made with where tokens are handed out: one that is made in advance is worth nothing. */
  nonce(): string
  /**
   * For what is handed out to a key: a proof made with a nonce of the last minutes, or a refusal, `proof_invalid` or
   * `proof_nonce_needed`. Whoever hands out has to `use` it first.
   */
  checkNew(shown: ShownProof): Promise<Proof>
  /** The same for a request with an access token that is bound to `key`. Used at once. */
  require(shown: ShownProof, bound: { token: string; key: string }): Promise<void>
  /** Uses it up: `proof_invalid` where that was done before, `too_many_proofs` where it cannot be remembered. */
  use(proof: Proof): void
}

type Needs = { clock: Watch; secrets: Secrets; checker: Checker; entries: number }

const slotSeconds = 120
const nonceBytes = 16

export function createProofs({ clock, secrets, checker, entries }: Needs): Proofs {
  const proofs = createProofCheck({ entries })
  // Never goes back, or a proof would be forgotten and then be good again.
  const now = () => wallSeconds(checker.view.steady, clock.instant())
  const slot = () => Math.floor(now() / slotSeconds)

  /** Every node makes the same one, so none has to remember any. */
  const nonceOf = (of: number) => encodeBase64url(secrets.derive('nonce', String(of)).subarray(0, nonceBytes))

  return {
    nonce: () => nonceOf(slot()),
    checkNew({ header, ...request }) {
      if (header === null) refuse('proof_invalid', { detail: 'proof: there is none' })
      const isOurNonce = (nonce: string) => nonce === nonceOf(slot()) || nonce === nonceOf(slot() - 1)
      return proofs.check(header, { ...request, token: null, now: now(), isOurNonce })
    },
    async require({ header, ...request }, { token, key }) {
      const proof = await proofs.check(header, { ...request, token, now: now(), isOurNonce: null })
      proofs.use(proof, key, now())
    },
    use: (proof) => proofs.use(proof, proof.thumbprint, now()),
  }
}
