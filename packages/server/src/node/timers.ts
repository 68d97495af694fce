import type { Log } from '../machine.ts'

/** Something that is done now and then, each on a timer of its own: a slow mail server must not hold up touches. */
export type Chore = { name: string; everySeconds: number; run(): Promise<void> }

export type Timers = {
  /** No new runs; waits for those on their way, but not for ever. */
  stop(): Promise<void>
}

const patienceMilliseconds = 5_000

/** A chore that fails is logged and tried again; it never takes the server down. */
export function startTimers(chores: readonly Chore[], log: Log): Timers {
  const running = new Set<Promise<void>>()
  const timers = chores.map(({ name, everySeconds, run }) => {
    let isBusy = false
    const timer = setInterval(() => {
      if (isBusy) return
      isBusy = true
      const ended = Promise.resolve()
        .then(run)
        .catch((error: unknown) => log.error('a chore failed and will be tried again', error, { name }))
        .finally(() => {
          isBusy = false
          running.delete(ended)
        })
      running.add(ended)
    }, everySeconds * 1000)
    return timer.unref()
  })
  return {
    async stop() {
      for (const timer of timers) clearInterval(timer)
      await Promise.race([Promise.all(running), patience()])
    },
  }
}

function patience(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, patienceMilliseconds).unref()
  })
}
