import type { Verifier } from '@counterfoil/verifier'
import { type KeyHolder, keyHolder } from 'counterfoil/house'
import { type Pair, password, postJson } from '../chaos/visitor.ts'
import type { Candidate } from './rounds.ts'

/** More than one slot can use up. */
const proofsAtOnce = 800
/** As the verifier has it for its own. */
const address = 'https://api.example/me'

const seconds = () => Math.floor(Date.now() / 1000)

/** A person whose token is bound to a key that stays where it is. */
export type BoundMember = { readonly holder: KeyHolder; readonly token: string }

/** Signs in with a proof, and once more with the nonce that the server asks for. */
export async function signInBound(given: {
  origin: string
  issuer: string
  email: string
}): Promise<BoundMember> {
  const { origin, issuer, email } = given
  const holder = keyHolder()
  const attempt = (nonce: string | null) => {
    const about = { method: 'POST', url: `${issuer}/auth/sign-in`, now: seconds() }
    const dpop = holder.proof(nonce === null ? about : { ...about, nonce })
    return postJson(`${origin}/auth/sign-in`, { email, password, carrier: 'token' }, { dpop })
  }
  const answer = await attempt((await attempt(null)).headers.get('dpop-nonce'))
  const pair = (await answer.json()) as Pair & { token_type?: string }
  if (pair.token_type !== 'DPoP') throw new Error(`not bound: ${answer.status} ${JSON.stringify(pair)}`)
  return { holder, token: pair.access_token }
}

/** Requests of one browser: the token is known to the verifier, and each proof is new, signed before the clock starts. */
export function boundRequests(name: string, verifier: Verifier, { holder, token }: BoundMember): Candidate {
  let proofs: string[] = []
  return {
    name,
    batch: 25,
    prepare() {
      const about = { method: 'GET', url: address, token, now: seconds() }
      proofs = Array.from({ length: proofsAtOnce }, () => holder.proof(about))
    },
    async run(count) {
      for (let done = 0; done < count; done++) {
        const dpop = proofs.pop()
        if (dpop === undefined) throw new Error('too few proofs were made')
        const headers = { authorization: `DPoP ${token}`, dpop }
        const caller = await verifier.check({ method: 'GET', url: '/me', headers })
        if (caller?.carrier !== 'dpop') throw new Error('not bound')
      }
    },
  }
}
