/**
 * Who comes while one run is under way shares the next: that one begins after they asked, so it sees what they wrote.
 * `failsTogether`: where a run fails, so do those who wait for the next, who have waited long enough.
 */
export function oneAtATime<Result>(
  work: () => Promise<Result>,
  { failsTogether = false }: { failsTogether?: boolean } = {},
): () => Promise<Result> {
  let running: Promise<Result> | null = null
  let next: Promise<Result> | null = null

  const start = (): Promise<Result> => {
    const mine = work().finally(() => {
      if (running === mine) running = null
    })
    running = mine
    return mine
  }

  const follow = (): Promise<Result> => {
    next = null
    return start()
  }

  const fail = (error: unknown): Promise<Result> => {
    if (!failsTogether) return follow()
    next = null
    throw error
  }

  return () => {
    if (next !== null) return next
    if (running === null) return start()
    next = running.then(follow, fail)
    return next
  }
}
