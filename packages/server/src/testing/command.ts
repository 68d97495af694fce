import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { fileURLToPath } from 'node:url'

const command = fileURLToPath(new URL('../../bin/counterfoil.js', import.meta.url))

export type Ran = { code: number; out: string; err: string }

/** A folder that goes away with the test. */
export function dataFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'counterfoil-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Runs the real command to its end, with no settings but those given. */
export function run(
  args: readonly string[],
  env: Record<string, string> = {},
  cwd = process.cwd(),
): Promise<Ran> {
  return new Promise((resolve) => {
    const options = { env: { PATH: process.env.PATH, ...env }, timeout: 60_000, cwd }
    const child = execFile(process.execPath, [command, ...args], options, (_, out, err) => {
      resolve({ code: child.exitCode ?? -1, out, err })
    })
  })
}

/** The real command as a server on a free port, in a process of its own. Its id is what stops it. */
export type ServerProcess = {
  /** For programs. */
  origin: string
  /** For browsers, which know localhost; the issuer unless another one was given. */
  browserOrigin: string
  output: () => string
  /** No warning, no cleaning up: what a crash or the kernel does. */
  kill(): Promise<void>
  /** What an operator does. The exit code. */
  stop(): Promise<number | null>
}

export async function startServer(
  data: string,
  args: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<ServerProcess> {
  const child = spawn(process.execPath, [command, 'serve', '--port', '0', '--data', data, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, ...env },
  })
  let output = ''
  const hear = (chunk: Buffer) => {
    output += chunk.toString()
  }
  child.stdout.on('data', hear)
  child.stderr.on('data', hear)
  const port = await portOf(child, () => output)
  return {
    // Node's resolver does not know *.localhost here; the address is the same listener.
    origin: `http://127.0.0.1:${port}`,
    browserOrigin: `http://localhost:${port}`,
    output: () => output,
    kill: async () => {
      await end(child, 'SIGKILL')
    },
    stop: () => end(child, 'SIGTERM'),
  }
}

async function portOf(child: ChildProcess, output: () => string): Promise<string> {
  for (;;) {
    const found = /listening {2}\S*:(\d+)/.exec(output())
    if (found?.[1] !== undefined) return found[1]
    if (child.exitCode !== null) throw new Error(`the server did not start:\n${output()}`)
    await Promise.race([once(child.stdout ?? child, 'data'), once(child, 'exit')])
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
  const exited = once(child, 'exit')
  child.kill(signal)
  await exited
  return child.exitCode
}
