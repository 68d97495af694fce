import { createCache } from './cache.ts'
import { checkSignature } from './cryptography.ts'
import {
  type ExpectedProof,
  judgeProof,
  type KnownHeader,
  type Proof,
  parseProof,
  rememberHeader,
} from './proof.ts'
import { refuse } from './refusal.ts'
import { createReplays, noteProof } from './replays.ts'

export type ProofCheck = {
  /**
   * The proof of this request, or a refusal: `proof_invalid`, `proof_nonce_needed`, `credential_ambiguous`. Not yet
   * used: whoever shows nothing else must not fill the memory.
   */
  check(header: string | null, expected: ExpectedProof): Promise<Proof>
  /**
   * Uses a proof up, once whatever came with it was found good. `key`: the thumbprint that it has to be of. Refuses with
   * `proof_invalid` another key's proof and one that was here before, with `too_many_proofs` one that cannot be remembered.
   */
  use(proof: Proof, key: string, now: number): void
}

/** `entries`: how many proofs and how many keys are remembered at most. */
export function createProofCheck({ entries }: { entries: number }): ProofCheck {
  const keys = createCache<KnownHeader>(entries)
  const replays = createReplays(entries)
  return {
    async check(header, expected) {
      const unproven = parseProof(header, keys)
      if ((await checkSignature(unproven.key, unproven.jws)) !== true)
        refuse('proof_invalid', 'proof: signature or alg is wrong')
      return judgeProof(unproven, expected)
    },
    use(proof, key, now) {
      if (proof.thumbprint !== key)
        refuse('proof_invalid', 'proof: by another key than the token is bound to')
      const verdict = noteProof(replays, proof, now)
      if (verdict === 'replayed') refuse('proof_invalid', 'proof: it was here before')
      if (verdict === 'late') refuse('proof_invalid', 'proof: iat is too long ago')
      if (verdict === 'full') refuse('too_many_proofs', 'proof: more of this key than can be remembered')
      rememberHeader(proof.source, keys)
    },
  }
}
