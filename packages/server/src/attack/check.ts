import type { Scene } from './scene.ts'

export type Severity = 'high' | 'medium' | 'low'

/** `accepted`: the attack went through. `skipped`: nothing was learned, and the evidence says why. */
export type Verdict = 'refused' | 'accepted' | 'skipped'

/** `severity` where what was seen makes it less grave than the check says. */
export type Outcome = { verdict: Verdict; evidence: string; severity?: Severity }

export type Check = {
  /** Permanent: reports, scripts and docs/attack.md name it. */
  id: string
  /** What an accepting target does wrong, as a sentence. */
  sentence: string
  severity: Severity
  /** What its owner should do. */
  remedy: string
  run(scene: Scene): Promise<Outcome>
}

export type Judged = { id: string; verdict: Verdict; severity: Severity; evidence: string; remedy: string }

export const accepted = (evidence: string): Outcome => ({ verdict: 'accepted', evidence })
export const refused = (evidence: string): Outcome => ({ verdict: 'refused', evidence })
export const skipped = (evidence: string): Outcome => ({ verdict: 'skipped', evidence })

const reasons = new WeakSet<Error>()

/** Thrown where a check cannot go on: it is skipped with this reason. Anything else that is thrown is a fault of ours. */
export function unjudged(reason: string): Error {
  const error = new Error(reason)
  reasons.add(error)
  return error
}

export function isUnjudged(error: unknown): error is Error {
  return error instanceof Error && reasons.has(error)
}
