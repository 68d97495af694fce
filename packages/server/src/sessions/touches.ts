/**
 * Touches wait here and are written in batches: a read never writes. A lost batch may end a session
 * early, never late.
 */
export type Touches = {
  add(id: string, at: number): void
  /** Takes all that waits, grouped by instant. */
  take(): ReadonlyMap<number, readonly string[]>
}

export function createTouches(): Touches {
  let waiting = new Map<string, number>()
  return {
    add(id, at) {
      waiting.set(id, Math.max(at, waiting.get(id) ?? 0))
    },
    take() {
      const byInstant = new Map<number, string[]>()
      for (const [id, at] of waiting) {
        const ids = byInstant.get(at)
        if (ids === undefined) byInstant.set(at, [id])
        else ids.push(id)
      }
      waiting = new Map()
      return byInstant
    },
  }
}
