// Everything that has to check a signature, in a process of its own, as a service has it: beside a million warm checks and
// the rubbish they leave, all of these would be slower, and not by the same part. A process for `first-checks.ts`.
import { createVerifier, type Verifier } from '@counterfoil/verifier'
import { boundRequests, signInBound } from './bound.ts'
import { coldToken, keyFrom, names, rawVerify, signaturePeers } from './candidates.ts'
import type { Order, Stage } from './first-checks.ts'
import { loadPeers } from './peers.ts'
import { type Candidate, measureRound, warmUp } from './rounds.ts'

let verifiers: Verifier[] = []
let candidates: readonly Candidate[] = []

async function prepare(stage: Stage): Promise<void> {
  await close()
  const { origin, issuer, client, member, jwk, tokens, warm: warming } = stage
  const options = { issuer, audience: issuer, origin: 'https://api.example', client, log: () => {} }
  const cold = await createVerifier({ ...options, cacheEntries: Math.floor(tokens.length * 0.4) })
  const warm = await createVerifier({ ...options, proofEntries: 1_000_000 })
  verifiers = [cold, warm]
  const bound = await signInBound({ origin, issuer, email: member })
  candidates = [
    coldToken(cold, tokens),
    boundRequests(names.bound, warm, bound),
    rawVerify(keyFrom(jwk), tokens),
    ...(await signaturePeers(loadPeers(), { jwk, issuer, tokens })),
  ]
  await warmUp(candidates, warming)
}

async function close(): Promise<void> {
  for (const verifier of verifiers.splice(0)) await verifier.close()
}

async function carryOut(order: Order): Promise<[string, number][]> {
  if (order.kind === 'round') return [...(await measureRound(candidates, order)).rates]
  await (order.kind === 'prepare' ? prepare(order.stage) : close())
  return []
}

process.on('message', async (order: Order) => {
  const reply = await carryOut(order).then(
    (rates) => ({ rates }),
    (error: unknown) => ({ error: String(error) }),
  )
  process.send?.(reply)
})
process.on('disconnect', () => process.exit(0))
