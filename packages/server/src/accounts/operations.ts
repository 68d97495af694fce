import type { Db } from '../db/schema.ts'
import { transact } from '../db/transact.ts'
import type { Events } from '../events.ts'
import type { Ending, Feed } from '../feed/index.ts'
import type { Clock, Entropy } from '../machine.ts'
import * as store from './store.ts'

export type Accounts = {
  findByEmail(db: Db, email: string): Promise<store.Account | null>
  findById(db: Db, id: string): Promise<store.Account | null>
  list(): Promise<store.Account[]>
  /** `null` where the address is taken. */
  create(tx: Db, given: { email: string; isVerified: boolean }): Promise<store.Account | null>
  /** Which of these addresses and ids have an account. */
  findTaken(db: Db, given: store.Taken): Promise<store.Taken>
  /** The ids of those that were made; one whose address or id is taken is none of them. */
  createMany(tx: Db, accounts: readonly store.Account[]): Promise<ReadonlySet<string>>
  markVerified(tx: Db, id: string): Promise<void>
  /**
   * First in every transaction that changes what belongs to an account: they come one after the other, in
   * one order of locks (db/README.md), and what is read here stays true until the end.
   */
  lock(tx: Db, id: string): Promise<store.Account | null>
  /**
   * Ends everything the account has begun: sessions and, through the feed, every statement about them.
   * Ending upwards works by reading: whatever began before the returned position is over. `also` joins what
   * else ends in this transaction; the feed is written once, and last.
   */
  endAll(tx: Db, id: string, also?: readonly Ending[]): Promise<number>
  /** From here on no credential of another system is taken for this account. Under its lock. */
  endAdoption(tx: Db, id: string): Promise<void>
  /** Disables an account and ends all it had begun. `false` where nothing changed. */
  disable(id: string): Promise<boolean>
  enable(id: string): Promise<boolean>
}

type Needs = { db: Db; clock: Clock; entropy: Entropy; feed: Feed; events: Events }

export function createAccounts({ db, clock, entropy, feed, events }: Needs): Accounts {
  async function endAll(tx: Db, id: string, also: readonly Ending[] = []): Promise<number> {
    const position = await feed.append(tx, [...also, { kind: 'account', id }])
    await store.setEnd(tx, id, position)
    return position
  }

  return {
    endAll,
    lock: async (tx, id) => (await store.lock(tx, id)) ?? null,
    findByEmail: async (on, email) => (await store.findByEmail(on, email)) ?? null,
    findById: async (on, id) => (await store.findById(on, id)) ?? null,
    list: () => store.list(db),
    create: (tx, { email, isVerified }) => {
      const now = clock.now()
      return store.insert(tx, {
        id: entropy.id(),
        email,
        state: 'active',
        verified_at: isVerified ? now : null,
        end_position: 0,
        created_at: now,
      })
    },
    findTaken: store.findTaken,
    createMany: store.insertMany,
    endAdoption: (tx, id) => store.endAdoption(tx, { id, at: clock.now() }),
    markVerified: (tx, id) => store.markVerified(tx, id, clock.now()),
    disable: (id) =>
      transact(db, async (tx) => {
        if (!(await store.changeState(tx, id, 'disabled'))) return false
        await events.record(tx, { kind: 'account_disabled', outcome: 'done', accountId: id })
        await endAll(tx, id)
        return true
      }),
    enable: (id) =>
      transact(db, async (tx) => {
        if (!(await store.changeState(tx, id, 'active'))) return false
        await events.record(tx, { kind: 'account_enabled', outcome: 'done', accountId: id })
        return true
      }),
  }
}
