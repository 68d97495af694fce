/** Runs a task now or in turn; throws what `full` returns when too many are waiting. */
export type Gate = {
  <Result>(task: () => Promise<Result>): Promise<Result>
  load(): { running: number; waiting: number }
}

/** At most `atOnce` tasks run; at most `queue` more wait, first come, first served. */
export function createGate(given: { atOnce: number; queue: number; full: () => Error }): Gate {
  const { atOnce, queue, full } = given
  const waiting: (() => void)[] = []
  let running = 0

  const enter = async (): Promise<void> => {
    if (running < atOnce) {
      running += 1
      return
    }
    if (waiting.length >= queue) throw full()
    await new Promise<void>((resolve) => waiting.push(resolve))
  }
  const leave = (): void => {
    const next = waiting.shift()
    // The place is handed over, not freed: nobody who comes in between overtakes.
    if (next) next()
    else running -= 1
  }

  async function pass<Result>(task: () => Promise<Result>): Promise<Result> {
    await enter()
    try {
      return await task()
    } finally {
      leave()
    }
  }
  return Object.assign(pass, { load: () => ({ running, waiting: waiting.length }) })
}
