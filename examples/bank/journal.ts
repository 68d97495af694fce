/** What a bank itself saw of one request, and how it answered. The referee of the attacks believes nothing else. */
export type Sighting = {
  method: string
  path: string
  /** Whether the browser sent this bank's session cookie along. */
  cookie: boolean
  site: string | null
  origin: string | null
  /** 0 until it is answered. */
  status: number
}

export type Journal = {
  /** The status may be filled in later. */
  note(sighting: Sighting): void
  /** How many there have been: a mark to look back to. */
  mark(): number
  since(mark: number): (Sighting & { readonly seenAt: number })[]
}

const kept = 500

export function createJournal(): Journal {
  const all: ReturnType<Journal['since']> = []
  let forgotten = 0
  return {
    note(sighting) {
      all.push(Object.assign(sighting, { seenAt: performance.now() }))
      if (all.length > kept) {
        all.shift()
        forgotten += 1
      }
    },
    mark: () => forgotten + all.length,
    since: (mark) => all.slice(Math.max(0, mark - forgotten)),
  }
}
