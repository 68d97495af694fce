import type { Db } from '../db/schema.ts'
import type { Clock, Entropy, Letter, Log, Secrets, Transport } from '../machine.ts'
import { createDelivery } from './delivery-operations.ts'
import { createWriter, type MailKind } from './letter.ts'
import { createLinks, type Links } from './links.ts'
import { dropSentBefore, insertRow, readNewest } from './store.ts'

const keepSentSeconds = 24 * 60 * 60
const mailboxRows = 100

export type Mail = Links & {
  /**
   * Writes one row inside the caller's transaction: the mail goes out if and only if that commits. `to` must be a
   * validated address; `linkId` is the id of the sign-up or reset that the link opens.
   */
  enqueue(tx: Db, mail: { to: string; kind: MailKind; linkId: string | null }): Promise<void>
  /** To be called after the commit: delivers soon, without making anybody wait. */
  kick(): void
  /** Delivers all that is due, at least once; what fails is tried again later. Call it every few seconds as well. */
  flush(): Promise<void>
  /** Begins no delivery any more; what is not sent stays in the outbox for the next start. */
  stop(): void
  /** The development mailbox: the newest 100, newest first. Empty where a transport is set. */
  mailbox(): Promise<(Letter & { at: number })[]>
  /** Forgets what was sent more than a day ago. */
  prune(): Promise<void>
}

/** `transport: null` is development: mails stay in the table and are shown by `mailbox`. */
export function createMail(given: {
  db: Db
  clock: Clock
  entropy: Entropy
  secrets: Secrets
  log: Log
  issuer: string
  linkSeconds: number
  transport: Transport | null
}): Mail {
  const { db, clock, entropy, log, transport } = given
  const links = createLinks(given.secrets)
  const write = createWriter({ links, issuer: given.issuer, linkSeconds: given.linkSeconds })
  const delivery = createDelivery({ db, clock, log, write, transport, linkSeconds: given.linkSeconds })
  let written = 0

  return {
    ...links,
    ...delivery,
    async enqueue(tx, { to, kind, linkId }) {
      const now = clock.now()
      written += 1
      await insertRow(tx, {
        id: `${String(written).padStart(10, '0')}.${entropy.id()}`,
        kind,
        recipient: to,
        link_id: linkId,
        created_at: now,
        attempts: 0,
        next_at: now,
        sent_at: null,
      })
    },
    async mailbox() {
      if (transport !== null) return []
      const rows = await readNewest(db, mailboxRows)
      return rows.map((row) => ({ ...write(row), at: row.created_at }))
    },
    prune: () => dropSentBefore(db, clock.now() - keepSentSeconds),
  }
}
