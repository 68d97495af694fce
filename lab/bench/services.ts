import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Heard, Told } from './service-process.ts'

/** Services in processes of their own that check requests by one server's feed. */
export type Services = {
  readonly count: number
  /** Tells all of them and waits for nothing. */
  tell(told: Told): void
  /** Tells all of them and waits until each has said that it is done. */
  ask(told: Told & { readonly name: string }): Promise<void>
  /** Who has refused what is watched under this name; fewer than all where some are silent for that long. */
  gather(name: string, within: number): Promise<Extract<Heard, { kind: 'refused' }>[]>
  /** Ends a watch, and tells what came of it. */
  rest(name: string): Promise<Extract<Heard, { kind: 'rested' }>[]>
  close(): Promise<void>
}

const answersWithin = 30_000

export async function startServices(
  count: number,
  start: Extract<Told, { kind: 'start' }>,
): Promise<Services> {
  const program = join(import.meta.dirname, 'service-process.ts')
  // Instants are large whole numbers, which JSON cannot carry.
  const children = Array.from({ length: count }, () => fork(program, { serialization: 'advanced' }))
  const listeners = new Set<(heard: Heard) => void>()
  for (const child of children) {
    child.on('message', (heard) => {
      // Sent by our own program, which names the type.
      for (const listener of [...listeners]) listener(heard as Heard)
    })
  }

  function collect<Wanted extends Heard>(
    isWanted: (heard: Heard) => heard is Wanted,
    within: number,
  ): Promise<Wanted[]> {
    return new Promise((resolve) => {
      const found: Wanted[] = []
      const settle = () => {
        clearTimeout(timer)
        listeners.delete(listen)
        resolve(found)
      }
      const listen = (heard: Heard) => {
        if (isWanted(heard)) found.push(heard)
        if (found.length === count) settle()
      }
      const timer = setTimeout(settle, within)
      listeners.add(listen)
    })
  }

  const tell = (told: Told) => {
    for (const child of children) child.send(told)
  }

  async function allDone(name: string, told: Told): Promise<void> {
    const isDone = (heard: Heard): heard is Extract<Heard, { kind: 'done' }> =>
      heard.kind === 'done' && heard.name === name
    const done = collect(isDone, answersWithin)
    tell(told)
    const { length } = await done
    if (length < count) throw new Error(`${count - length} of ${count} services did not answer to ${name}`)
  }

  async function close(): Promise<void> {
    await Promise.all(children.map(stop))
  }

  try {
    await allDone('start', start)
  } catch (error) {
    await close()
    throw error
  }
  return {
    count,
    tell,
    close,
    ask: (told) => allDone(told.name, told),
    gather(name, within) {
      const isRefused = (heard: Heard): heard is Extract<Heard, { kind: 'refused' }> =>
        heard.kind === 'refused' && heard.name === name
      return collect(isRefused, within)
    },
    async rest(name) {
      const isRest = (heard: Heard): heard is Extract<Heard, { kind: 'rested' }> =>
        heard.kind === 'rested' && heard.name === name
      const rested = collect(isRest, answersWithin)
      tell({ kind: 'rest', name })
      return rested
    },
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  const late = setTimeout(() => child.kill('SIGKILL'), 2000)
  child.send({ kind: 'stop' })
  await exited
  clearTimeout(late)
}
