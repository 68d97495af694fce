import { createGate } from './gate.ts'

/** Does together what many ask for at the same time; each is answered for itself, and only once it is done. */
export type Gathering<Item, Outcome> = {
  add(item: Item): Promise<Outcome>
  load(): { running: number; waiting: number }
}

type Given<Item, Outcome> = {
  /** Groups under way at once; who comes meanwhile waits for the next one, first come, first served. */
  atOnce: number
  /** In one group. */
  most: number
  /** Asked and not answered yet, of all kinds; beyond it `full` is thrown. */
  queue: number
  full: () => Error
  /** Milliseconds. While a group has been under way for longer, nobody joins the queue behind it: `late` is thrown. */
  patience: number
  late: () => Error
  /** Monotonic, in milliseconds. */
  now: () => number
  /** Those of one key who ask at the same time are one, and share an answer. */
  keyOf: (item: Item) => string
  /** All or nothing. `null`: nothing was done for that one, and it has to be looked at alone. */
  together: (items: readonly Item[]) => Promise<readonly (Outcome | null)[]>
  alone: (item: Item) => Promise<Outcome>
  /** What a group failed of would fail each of them alone as well: all are told. Otherwise each is tried alone. */
  isForAll: (error: unknown) => boolean
}

type Place<Item, Outcome> = {
  item: Item
  settle: (outcome: Outcome | Promise<Outcome>) => void
  fail: (error: unknown) => void
}

/** They may wait for somebody; others that are looked at alone must not wait for one of them. */
const aloneAtOnce = 4

export function createGathering<Item, Outcome>(given: Given<Item, Outcome>): Gathering<Item, Outcome> {
  const { atOnce, most, queue, full, patience, late, now, keyOf, together, isForAll } = given
  const asked = new Map<string, Promise<Outcome>>()
  const running = new Set<{ since: number }>()
  const waiting: Place<Item, Outcome>[] = []
  const gate = createGate({ atOnce: aloneAtOnce, queue, full })
  const alone = (item: Item) => gate(() => given.alone(item))

  function start(): void {
    while (running.size < atOnce && waiting.length > 0) void run(waiting.splice(0, most))
  }

  async function run(group: readonly Place<Item, Outcome>[]): Promise<void> {
    const mine = { since: now() }
    running.add(mine)
    try {
      const outcomes = await together(group.map(({ item }) => item))
      for (const [index, { item, settle }] of group.entries()) settle(outcomes[index] ?? alone(item))
    } catch (error) {
      const isLost = isForAll(error)
      for (const { item, settle, fail } of group) {
        if (isLost) fail(error)
        else settle(alone(item))
      }
    }
    running.delete(mine)
    start()
  }

  function isLate(): boolean {
    if (running.size < atOnce) return false
    const earliest = now() - patience
    return [...running].every(({ since }) => since < earliest)
  }

  return {
    async add(item) {
      const key = keyOf(item)
      const known = asked.get(key)
      if (known !== undefined) return known
      if (asked.size >= queue) throw full()
      if (isLate()) throw late()
      const { promise, resolve, reject } = Promise.withResolvers<Outcome>()
      asked.set(key, promise)
      waiting.push({ item, settle: resolve, fail: reject })
      start()
      try {
        return await promise
      } finally {
        asked.delete(key)
      }
    },
    load: () => ({ running: running.size, waiting: waiting.length }),
  }
}
