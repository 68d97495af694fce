import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Everything that was started here, by its handle; nothing else on the machine is ever touched. */
const running = new Set<ChildProcess>()

const folders = new Set<string>()

// However this program ends, short of being killed itself.
process.on('exit', () => {
  for (const child of running) signal(child, 'SIGKILL')
  for (const folder of folders) {
    try {
      removeFolder(folder)
    } catch {
      // The next one, too.
    }
  }
})
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => process.exit(130))

export function makeFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), name))
  folders.add(folder)
  return folder
}

export function removeFolder(folder: string): void {
  // A process that was just killed may still be writing.
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  folders.delete(folder)
}

export type Started = {
  child: ChildProcess
  output(): string
  /** Waits for words in its output; an end before that is an error that tells what it said. */
  says(words: RegExp): Promise<RegExpExecArray>
  signal(name: NodeJS.Signals): void
  /** Sends the signal and waits for the end, however soon it comes. */
  end(name: NodeJS.Signals): Promise<void>
}

export function start(command: string, args: readonly string[], options: SpawnOptions): Started {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  child.once('exit', () => running.delete(child))
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk) => {
      output += chunk
    })
  const isOver = () => child.exitCode !== null || child.signalCode !== null

  async function says(words: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = words.exec(output)
      if (found !== null) return found
      if (isOver()) throw new Error(`${command} ${args[0]} ended:\n${output}`)
      await settle(20)
    }
  }

  return {
    child,
    says,
    output: () => output,
    signal: (name) => signal(child, name),
    async end(name) {
      if (isOver()) return
      const exited = once(child, 'exit')
      signal(child, name)
      await exited
    },
  }
}

/** By the child's own handle: an id that was given to another process since is not ours to end. */
function signal(child: ChildProcess, name: NodeJS.Signals): void {
  child.kill(name)
}

export function settle(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}

/** Waits until something is so; says what was waited for if it does not come. */
export async function until(what: string, within: number, isSo: () => Promise<boolean>): Promise<number> {
  const began = performance.now()
  for (;;) {
    if (await isSo()) return performance.now() - began
    if (performance.now() - began > within) throw new Error(`${what}: not within ${within} ms`)
    await settle(50)
  }
}
