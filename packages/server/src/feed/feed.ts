import { type FeedKind, feedKey } from '@counterfoil/verifier'

export type { FeedKind }

/** The end of something, before it has a position. */
export type Ending = { kind: FeedKind; id: string }

/** How an end stands in the log: a key that tells nothing to anyone who does not hold the credential already. */
export function logged({ kind, id }: Ending): { kind: FeedKind; key: string; endsEveryone: boolean } {
  return { kind, key: feedKey(kind, id), endsEveryone: kind === 'everyone' }
}

/** What came of waiting until every verifier applied an end, or had surely stopped trusting itself. */
export type Receipt = {
  position: number
  /** How many verifiers had to know. */
  verifiers: number
  /** How many of them have said that they do. */
  confirmed: number
  /** Until when one that has not may have gone on accepting, in seconds since 1970; `null` where all have. */
  worst_case_at: number | null
}

/** For how long a server answers from what it knows, at the most. */
export const trustSeconds = 20
/** Longer than the beat itself: what is written has to outlast the trust that the next heartbeat gives. */
export const heartbeatSeconds = 2
/** A verifier that is on its way to being written down may be served a moment later. */
export const graceSeconds = 3
/** A server that has not written for so long does not run any more, or asks for each request. */
export const silentSeconds = 3

export type ListedVerifier = { id: string; applied: number; lapses_at: number }

/**
 * `null` while somebody neither has confirmed nor has lapsed. `asked`: those that were alive when the end was committed. Who
 * stands nowhere any more has left, and said so itself: it accepts nobody, which is as good as knowing.
 */
export function receiptOf(
  position: number,
  asked: readonly ListedVerifier[],
  { seen, now }: { seen: ReadonlyMap<string, ListedVerifier>; now: number },
): Receipt | null {
  const current = asked.flatMap(({ id }) => seen.get(id) ?? [])
  const open = current.filter(({ applied }) => applied < position)
  if (open.some(({ lapses_at }) => lapses_at > now)) return null
  const worst = open.map(({ lapses_at }) => lapses_at)
  return {
    position,
    verifiers: asked.length,
    confirmed: asked.length - open.length,
    worst_case_at: worst.length === 0 ? null : Math.max(...worst),
  }
}

/** Epoch and position as sixteen bytes, big endian: what is sealed and shown back by whoever was told. */
export function positionBytes({ epoch, position }: { epoch: number; position: number }): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(16))
  bytes.setBigUint64(0, BigInt(epoch))
  bytes.setBigUint64(8, BigInt(position))
  return new Uint8Array(bytes.buffer)
}

export function readPosition(given: Uint8Array): { epoch: number; position: number } {
  const bytes = new DataView(given.buffer, given.byteOffset, 16)
  return { epoch: Number(bytes.getBigUint64(0)), position: Number(bytes.getBigUint64(8)) }
}
