import { type Known, nothingKnown } from './known.ts'
import type { Machine } from './machine.ts'

/** All tabs of one browser at one server, as one: what one knows all know, and what one does no other does at once. */
export type Tabs = {
  known(): Known
  /** Changes what is known, here and in every other tab. */
  tell(change: Partial<Omit<Known, 'version'>>): void
  /** Waits for another tab that knows more than this one, and no longer than so many milliseconds. */
  ask(milliseconds: number): Promise<void>
  /** One at a time over all tabs. A tab that is closed meanwhile stands in nobody's way. */
  alone<Result>(what: string, work: () => Promise<Result>): Promise<Result>
  close(): void
}

export function createTabs(
  machine: Machine,
  { name, onChange }: { name: string; onChange: (known: Known) => void },
): Tabs {
  const channel = machine.channel(name)
  let known = nothingKnown
  let waiting: (() => void)[] = []

  function adopt(next: Known): void {
    known = next
    for (const resume of waiting.splice(0)) resume()
    onChange(known)
  }

  channel.onmessage = ({ data }: MessageEvent<Known | null>) => {
    if (data === null) {
      if (known.version > 0) channel.postMessage(known)
    } else if (data.version > known.version) adopt(data)
  }

  return {
    known: () => known,
    tell(change) {
      // One device, one clock: whatever time it believes, later is later.
      adopt({ ...known, ...change, version: Math.max(machine.now(), known.version + 1) })
      channel.postMessage(known)
    },
    ask(milliseconds) {
      return new Promise((resolve) => {
        waiting.push(resolve)
        machine.after(milliseconds, () => {
          waiting = waiting.filter((other) => other !== resolve)
          resolve()
        })
        channel.postMessage(null)
      })
    },
    alone: (what, work) => machine.locks().request(`${name}:${what}`, work),
    close: () => channel.close(),
  }
}
