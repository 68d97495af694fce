import type { Db } from '../db/schema.ts'
import type { Clock, Letter, Log, Transport } from '../machine.ts'
import { nextAttemptAt, noticeSeconds } from './schedule.ts'
import { claimDue, dropRow, markSent, type OutboxRow, postpone } from './store.ts'

const atOnce = 10

type Given = {
  db: Db
  clock: Clock
  log: Log
  write: (row: OutboxRow) => Letter
  transport: Transport | null
  linkSeconds: number
}

export function createDelivery(given: Given): { kick(): void; flush(): Promise<void>; stop(): void } {
  const { log } = given
  let running: Promise<void> | null = null
  let again = false
  let kicked = false
  let isStopped = false

  const drain = async (): Promise<void> => {
    do {
      again = false
      await deliverDue(given)
    } while (again)
  }
  const flush = (): Promise<void> => {
    if (isStopped) return Promise.resolve()
    // What was committed since the run began may have been missed by it: whoever waits, waits for a look at that too.
    if (running) again = true
    running ??= drain().finally(() => {
      running = null
    })
    return running
  }
  const kick = (): void => {
    if (kicked) return
    kicked = true
    setImmediate(() => {
      kicked = false
      flush().catch((error: unknown) =>
        log.error('Mail could not be delivered; it stays in the outbox.', error),
      )
    })
  }
  const stop = (): void => {
    isStopped = true
  }
  return { kick, flush, stop }
}

async function deliverDue(given: Given): Promise<void> {
  for (;;) {
    const rows = await claimDue(given.db, { now: given.clock.now(), count: atOnce })
    if (rows.length === 0) return
    await Promise.all(rows.map((row) => deliver(given, row)))
  }
}

async function deliver(given: Given, row: OutboxRow): Promise<void> {
  const { db, clock, write, transport } = given
  if (row.kind === 'void') return dropRow(db, row.id)
  // A row may have waited through an outage of our own.
  if (clock.now() >= row.created_at + usefulSeconds(row, given)) return dropRow(db, row.id)
  try {
    const letter = write(row)
    if (transport) await transport.send(letter)
  } catch (error) {
    return handleFailure(given, row, error)
  }
  // A crash before this line sends the mail twice; before the send, it would have lost it.
  // Only the development mailbox reads what was sent.
  if (transport) await dropRow(db, row.id)
  else await markSent(db, { id: row.id, now: clock.now() })
}

/** A link that has expired is no use to anybody; a notice is for a day. */
function usefulSeconds(row: OutboxRow, { linkSeconds }: Pick<Given, 'linkSeconds'>): number {
  return row.kind === 'verify' || row.kind === 'reset' ? linkSeconds : noticeSeconds
}

async function handleFailure(
  { db, clock, log, linkSeconds }: Given,
  row: OutboxRow,
  error: unknown,
): Promise<void> {
  const facts = { outbox_id: row.id, kind: row.kind, attempts: row.attempts }
  const nextAt = nextAttemptAt({
    attempts: row.attempts,
    createdAt: row.created_at,
    now: clock.now(),
    usefulSeconds: usefulSeconds(row, { linkSeconds }),
  })
  if (nextAt === null) {
    log.error('A mail was given up: it came to be of no use.', error, facts)
    return dropRow(db, row.id)
  }
  log.error('A mail was not accepted and will be tried again.', error, { ...facts, next_at: nextAt })
  return postpone(db, row, nextAt)
}
