import type { StreamMessage } from './wire.ts'

/** The names that hubs gave to positions: the last one whose position we reached, and the newest beyond it. */
export type Reached = { id: string | null; beyond: Named | null }
type Named = { readonly id: string; readonly epoch: number; readonly position: number }

/** Said to a hub, an id claims that we know all up to there: so none counts before that is so. */
export function noteId(reached: Reached, id: string, message: StreamMessage): void {
  if (message.kind === 'hello') return
  const { epoch } = message
  const position =
    message.kind === 'heartbeat'
      ? message.head
      : message.entries.reduce((last, entry) => Math.max(last, entry.position), 0)
  reached.beyond = { id, epoch, position }
}

export function settleId(reached: Reached, at: { epoch: number; applied: number }): void {
  const { beyond } = reached
  if (beyond === null || beyond.epoch !== at.epoch || beyond.position > at.applied) return
  reached.id = beyond.id
  reached.beyond = null
}
