import type { ShownProof } from '@counterfoil/verifier'

/**
 * `isPassive`: whether this request is no sign of life, asked only where a sign would be noted. `proof`: that its sender holds
 * a key. `maxStale`: milliseconds.
 */
export type Asked = { isPassive(): boolean; proof?: ShownProof | null; maxStale?: number }

/** Milliseconds by which the view may be behind before the store is asked instead. */
export const staleness = { ordinary: 20_000, critical: 3_000 } as const
/** What changes something is judged by fresher knowledge. */
export const stalenessFor = (method: string): number =>
  method === 'GET' || method === 'HEAD' ? staleness.ordinary : staleness.critical
