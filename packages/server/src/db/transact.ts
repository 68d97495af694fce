import type { Db } from './schema.ts'

const rounds = 4
/** serialization_failure and deadlock_detected: nothing was done, and the same again may go through. */
const passing = new Set(['40001', '40P01'])
/** A statement of it was prepared before a migration (prepared.ts): it will be prepared anew. */
const outdated = new Set(['0A000', '26000'])

type AfterCommit = () => Promise<void>
const waiting = new WeakMap<Db, AfterCommit[]>()

/**
 * Runs `work` in one transaction, and again where PostgreSQL gave it up for the sake of another one. So `work`
 * does nothing but SQL through `tx`: no mail, no hashing, nothing that must not happen twice. What it registered with
 * `afterCommit` is awaited before this returns.
 */
export async function transact<Result>(db: Db, work: (tx: Db) => Promise<Result>): Promise<Result> {
  for (let round = 1; ; round++) {
    try {
      const tasks: AfterCommit[] = []
      const result = await db.transaction().execute((tx) => {
        waiting.set(tx, tasks)
        return work(tx)
      })
      for (const task of tasks) await task()
      return result
    } catch (error) {
      if (round === rounds || !isPassing(error)) throw error
    }
  }
}

/** Registers what follows once `tx` is committed, and only then. It must not throw: what was committed stays so. */
export function afterCommit(tx: Db, task: AfterCommit): void {
  waiting.get(tx)?.push(task)
}

function isPassing(error: unknown): boolean {
  if (!(error instanceof Error && 'code' in error && typeof error.code === 'string')) return false
  return passing.has(error.code) || outdated.has(error.code)
}
