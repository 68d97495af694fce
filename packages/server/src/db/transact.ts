import type { Db } from './schema.ts'

const rounds = 4
/** serialization_failure and deadlock_detected: nothing was done, and the same again may go through. */
const passing = new Set(['40001', '40P01'])

/**
 * Runs `work` in one transaction, and again where PostgreSQL gave it up for the sake of another one. So `work`
 * does nothing but SQL through `tx`: no mail, no hashing, nothing that must not happen twice.
 */
export async function transact<Result>(db: Db, work: (tx: Db) => Promise<Result>): Promise<Result> {
  for (let round = 1; ; round++) {
    try {
      return await db.transaction().execute(work)
    } catch (error) {
      if (round === rounds || !isPassing(error)) throw error
    }
  }
}

function isPassing(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && typeof error.code === 'string' && passing.has(error.code)
  )
}
