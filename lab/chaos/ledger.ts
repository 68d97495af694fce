/** What a session is shown by. A browser says where a request comes from, and the guard wants to know. */
export type Shown =
  | { readonly carrier: 'token'; readonly value: string }
  | { readonly carrier: 'cookie'; readonly value: string; readonly origin: string }

/** What has been acknowledged, and what was seen that must not be. */
export type Known = {
  id: string
  email: string
  shown: Shown
  /** When the answer came that it was in, by our own clock. */
  shownAt: number
  /** Null for whoever carries a cookie. */
  refresh: string | null
  /** Refresh tokens that were replaced, oldest first. */
  replaced: string[]
  state: 'live' | 'ended' | 'unknown' | 'gone'
  /** When the end was acknowledged, by our own clock. */
  endedAt: number
  /** When a refresh was sent whose answer never came. */
  unansweredAt: number | null
  /** Since its end it was shown to every node, and refused. */
  isChecked: boolean
}

/** One that carries tokens, and so can be refreshed. */
export type Renewable = Known & { refresh: string }

export const isRenewable = (known: Known): known is Renewable => known.refresh !== null

export type Ledger = {
  sessions: Map<string, Known>
  members: Set<string>
  violations: string[]
  counts: Map<string, number>
  /** By place: the longest time between an acknowledged end and the last acceptance, in milliseconds. */
  longest: Map<string, number>
  /** How long it took until everything worked again, by scenario. */
  recoveries: Map<string, number[]>
  /** Answers to reads of sessions that stay warm. */
  reads: { node: number; sentAt: number; at: number; status: number }[]
}

export function openLedger(): Ledger {
  return {
    sessions: new Map(),
    members: new Set(),
    violations: [],
    counts: new Map(),
    longest: new Map(),
    recoveries: new Map(),
    reads: [],
  }
}

export function count(ledger: Ledger, what: string, by = 1): void {
  ledger.counts.set(what, (ledger.counts.get(what) ?? 0) + by)
}

export function violate(ledger: Ledger, what: string): void {
  if (ledger.violations.length < 100) ledger.violations.push(what)
  count(ledger, 'violations')
}

export function hold(ledger: Ledger, state: Known['state']): Known[] {
  return [...ledger.sessions.values()].filter((known) => known.state === state)
}

export const bounds = { safe: 20_000, changing: 3_000, verifier: 4_000 } as const

/** Somebody accepted a session whose end had been acknowledged; `decidedAt` is the earliest moment at which that can have been decided. */
export function accepted(
  ledger: Ledger,
  seen: { place: string; known: Known; decidedAt: number; bound: number },
): void {
  const { place, known, decidedAt, bound } = seen
  const lag = decidedAt - known.endedAt
  if (lag < 0) return
  ledger.longest.set(place, Math.max(ledger.longest.get(place) ?? 0, lag))
  if (lag > bound)
    violate(ledger, `${place} accepted ${known.id} ${Math.round(lag)} ms after its end (bound ${bound})`)
}
