import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { hash } from '@node-rs/argon2'
import { createAuth } from 'counterfoil'
import { password } from '../chaos/visitor.ts'

/** Who asks, at every candidate, so that all of them answer with the same bytes. As `seeds.ts` names the first account. */
export const user = { id: '1'.padStart(22, 'a'), email: 'a1@bench.example' }
/** What an application answers: all that an access token tells of a person, ours as well as everybody else's. */
export const answerOf = ({ account }: { account: { id: string } }) => ({ user: { id: account.id } })

export const issuer = 'http://localhost:3000'
export const secret = Buffer.alloc(32, 'x').toString('base64url')
/** Many sign in from one address here, and as one person. */
export const policy = { attemptsPerAccount: 100, attemptsPerNetwork: 100_000, sessionsPerAccount: 1000 }

/** As the server hashes. */
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }
export const hashed = (given = password) => hash(given, cost)

/** Puts the account into a database on which the server has run before. */
export async function insertAccount(file: string): Promise<void> {
  const db = new DatabaseSync(file)
  const now = Math.floor(Date.now() / 1000)
  try {
    db.prepare(
      "insert into account (id, email, state, verified_at, end_position, created_at) values (?, ?, 'active', ?, 0, ?)",
    ).run(user.id, user.email, now, now)
    db.prepare('insert into password (account_id, hash, changed_at) values (?, ?, ?)').run(
      user.id,
      await hashed(),
      now,
    )
  } finally {
    db.close()
  }
}

/** Files that go away with `close`. */
export function openFolder(): { path(name: string): string; close(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'counterfoil-bench-'))
  return {
    path: (name) => join(folder, name),
    close: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** A database of SQLite in which the account is. */
export async function makeDatabase(file: string): Promise<string> {
  const database = `sqlite:${file}`
  await (await createAuth({ issuer, database, secret })).close()
  await insertAccount(file)
  return database
}
