import { type Account, parseEmail } from '../accounts/index.ts'
import type { Db } from '../db/schema.ts'
import type { Needs } from './needs.ts'
import * as store from './store.ts'

/** An account as another system had it. What is in it was written by strangers. */
export type Incoming = {
  /** Kept, so that what the application knows about the account goes on belonging to it; `null`: it gets one of ours. */
  id: string | null
  email: string
  isVerified: boolean
  isDisabled: boolean
  /** In one of the forms of node/stored-hash.ts; `null` where there is none that could be checked. */
  hash: string | null
  createdAt: number | null
}

export type Outcome =
  | 'imported'
  /** Its mailbox was never proven there: it has no password here, and begins with a link to the mailbox. */
  | 'imported_unproven'
  /** The address has an account here, which is left as it is. */
  | 'present'
  | 'unproven'
  | 'address_malformed'
  | 'address_repeated'
  | 'id_malformed'
  | 'id_taken'

export type ImportRules = {
  /** `reset`: without its password. `trust`: as if proven, on the operator's word. */
  unproven: 'skip' | 'reset' | 'trust'
  isDryRun: boolean
}

/** Outcomes in the order of the rows. What one import has seen is remembered until it is dropped. */
export type Importing = { take(tx: Db, rows: readonly Incoming[]): Promise<Outcome[]> }

type Judged = { outcome: Outcome; account: Account; hash: string }

/** In the place of a hash: fits no password, and costs as much to try as any. */
const noPassword = '!'
const idForm = /^[A-Za-z0-9_-]{1,64}$/

/**
 * Accounts that were never proven by their mailbox may have been made by somebody who wants to be there first. Under
 * `reset` nobody has a password for such an account until the owner of the mailbox sets one, and that ends all else.
 */
export function createImport(needs: Needs): (rules: ImportRules) => Importing {
  const { clock, entropy, accounts, events } = needs

  function read(row: Incoming, rules: ImportRules): Judged | Outcome {
    const email = readEmail(row.email)
    if (email === null) return 'address_malformed'
    if (row.id !== null && !idForm.test(row.id)) return 'id_malformed'
    const isProven = row.isVerified || rules.unproven === 'trust'
    if (!isProven && rules.unproven === 'skip') return 'unproven'
    const now = clock.now()
    const created = Math.min(row.createdAt ?? now, now)
    const account: Account = {
      id: row.id ?? entropy.id(),
      email,
      state: row.isDisabled ? 'disabled' : 'active',
      verified_at: isProven ? created : null,
      end_position: 0,
      created_at: created,
    }
    const hash = isProven ? (row.hash ?? noPassword) : noPassword
    return { outcome: isProven ? 'imported' : 'imported_unproven', account, hash }
  }

  async function write(tx: Db, judged: readonly Judged[]): Promise<ReadonlySet<string>> {
    const made = await accounts.createMany(
      tx,
      judged.map(({ account }) => account),
    )
    const kept = judged.filter(({ account }) => made.has(account.id))
    if (kept.length === 0) return made
    const passwords = kept.map(({ account, hash }) => ({ accountId: account.id, hash }))
    await store.insertMany(tx, passwords, clock.now())
    const imported = kept.map(
      ({ account }) => ({ kind: 'account_imported', outcome: 'done', accountId: account.id }) as const,
    )
    await events.record(tx, ...imported)
    return made
  }

  return (rules) => {
    const seen = { emails: new Set<string>(), ids: new Set<string>() }

    /** The first of several rows for one address counts: two that fold into one are one mailbox. */
    function refuseRepeated(row: Judged | Outcome): Judged | Outcome {
      if (typeof row === 'string') return row
      const { email, id } = row.account
      if (seen.emails.has(email)) return 'address_repeated'
      if (seen.ids.has(id)) return 'id_taken'
      seen.emails.add(email)
      seen.ids.add(id)
      return row
    }

    async function refuseTaken(tx: Db, rows: readonly (Judged | Outcome)[]): Promise<(Judged | Outcome)[]> {
      const wanted = rows.filter((row) => typeof row !== 'string')
      if (wanted.length === 0) return [...rows]
      const taken = await accounts.findTaken(tx, {
        emails: wanted.map(({ account }) => account.email),
        ids: wanted.map(({ account }) => account.id),
      })
      const [emails, ids] = [new Set(taken.emails), new Set(taken.ids)]
      return rows.map((row) => {
        if (typeof row === 'string') return row
        if (emails.has(row.account.email)) return 'present'
        return ids.has(row.account.id) ? 'id_taken' : row
      })
    }

    return {
      async take(tx, rows) {
        const judged = await refuseTaken(
          tx,
          rows.map((row) => refuseRepeated(read(row, rules))),
        )
        const free = judged.filter((row) => typeof row !== 'string')
        const made = rules.isDryRun || free.length === 0 ? null : await write(tx, free)
        return judged.map((row) => {
          if (typeof row === 'string') return row
          // Somebody signed up with the address between the look and the write.
          return made === null || made.has(row.account.id) ? row.outcome : 'present'
        })
      },
    }
  }
}

function readEmail(given: string): string | null {
  try {
    return parseEmail(given)
  } catch {
    return null
  }
}
