import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'

export type BcryptQuestion = { id: number; password: string; setting: string }
export type BcryptAnswer = { id: number; hash: string | null }

type Waiting = { resolve(hash: string): void; reject(error: Error): void }

/**
 * bcrypt in a thread of its own: in JavaScript it takes a tenth of a second and more, in which the event loop would serve
 * nobody. The thread begins with the first question and keeps no process alive once all are answered. bcrypt itself reads
 * the first 72 bytes of a password and no more.
 */
export function createBcrypt(): (password: string, setting: string) => Promise<string> {
  const waiting = new Map<number, Waiting>()
  let worker: Worker | null = null
  let last = 0

  function giveUp(error: Error): void {
    worker = null
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
  }

  function open(): Worker {
    // Beside this file, in whichever form it runs: as it was written, or compiled.
    const file = new URL(`./bcrypt-worker${extname(import.meta.url)}`, import.meta.url)
    const opened = new Worker(file)
    opened.on('message', ({ id, hash }: BcryptAnswer) => {
      const asked = waiting.get(id)
      waiting.delete(id)
      if (waiting.size === 0) opened.unref()
      if (hash === null) asked?.reject(new Error('A bcrypt hash could not be computed.'))
      else asked?.resolve(hash)
    })
    opened.on('error', giveUp)
    opened.on('exit', () => giveUp(new Error('The thread that computes bcrypt has stopped.')))
    return opened
  }

  return (password, setting) =>
    new Promise((resolve, reject) => {
      worker ??= open()
      last += 1
      waiting.set(last, { resolve, reject })
      worker.ref()
      worker.postMessage({ id: last, password, setting } satisfies BcryptQuestion)
    })
}
