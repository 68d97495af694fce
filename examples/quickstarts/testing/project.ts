import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createAgent, dataFolder, run } from 'counterfoil/house'
import { stage } from '../../../tools/pack.ts'

const modules = fileURLToPath(new URL('../../../node_modules', import.meta.url))
// Gone when the whole file is done, wherever in it a project is made.
const home = dataFolder()
const quickstarts = fileURLToPath(new URL('..', import.meta.url))

/** A folder as a newcomer has it after `npm install`, and the files of a quickstart that they copied. */
export function projectWith(packages: readonly string[], given: { files?: string } = {}): string {
  const folder = mkdtempSync(join(home, 'project-'))
  const dependencies = Object.fromEntries(['counterfoil', ...packages].map((name) => [name, '*']))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module', dependencies }))
  if (given.files !== undefined)
    cpSync(join(quickstarts, given.files), folder, {
      recursive: true,
      filter: (path) => !/\/data$/.test(path),
    })
  symlinkSync(modules, join(folder, 'node_modules'))
  return folder
}

/** The same with the browser client as npm installs it: compiled. What lies in the checkout is for Node alone. */
export async function projectWithClient(files: string): Promise<string> {
  const folder = projectWith([], { files })
  const installed = join(folder, 'node_modules')
  unlinkSync(installed)
  mkdirSync(join(installed, '@counterfoil'), { recursive: true })
  for (const name of readdirSync(modules))
    if (!/^@counterfoil$|^\./.test(name)) symlinkSync(join(modules, name), join(installed, name))
  await stage('browser', join(installed, '@counterfoil/browser'))
  return folder
}

/** The very file, with the ports of this run in the place of those that stand for the reader's own. */
export function replaceIn(file: string, own: Record<string, string>): void {
  let text = readFileSync(file, 'utf8')
  for (const [shown, real] of Object.entries(own)) {
    assert.ok(text.includes(shown), `${file} does not say ${shown}`)
    text = text.replaceAll(shown, real)
  }
  writeFileSync(file, text)
}

export async function init(folder: string): Promise<string[]> {
  const ran = await run(['init', '--json'], {}, folder)
  assert.equal(ran.code, 0, ran.err)
  return JSON.parse(ran.out).made
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const bound = server.address()
  server.close()
  await once(server, 'close')
  if (bound === null || typeof bound === 'string') throw new Error('no port')
  return bound.port
}

export type Program = { output(): string; isRunning(): boolean; stop(): Promise<void> }

/** In a process of its own, once it has said that it listens. */
export async function start(
  folder: string,
  given: { program: string; env: Record<string, string> },
): Promise<Program> {
  const child = spawn(process.execPath, [given.program], {
    ...{ cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] },
    env: { PATH: process.env.PATH, ...given.env },
  })
  let output = ''
  const hear = (chunk: Buffer) => {
    output += chunk.toString()
  }
  child.stdout?.on('data', hear)
  child.stderr?.on('data', hear)
  while (!output.includes('listening')) {
    if (child.exitCode !== null) throw new Error(`the program ended: ${output}`)
    await Promise.race([once(child.stdout ?? child, 'data'), once(child, 'exit')])
  }
  return { output: () => output, isRunning: () => child.exitCode === null, stop: () => stop(child) }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill()
  await exited
}

/** Somebody with a browser, at a program that listens on this port and has it in its issuer. */
export function personAt(port: number, kind: 'browser' | 'program' = 'browser') {
  const origin = `http://localhost:${port}`
  // Node's resolver may take localhost for ::1; the program listens on 127.0.0.1.
  const send = async ({ url, method, headers, body }: Request) => {
    const address = url.replace(origin, `http://127.0.0.1:${port}`)
    // Whole, and with its length before it, as browsers send it.
    const whole = body === null ? null : await new Response(body).text()
    return fetch(address, { method, headers, body: whole, redirect: 'manual' })
  }
  return createAgent(send, { origin, kind })
}

export const who = { email: 'ada@example.com', password: 'seven dull green boats' }

/** Where the newest mail in the development mailbox leads. */
export async function linkAt(port: number): Promise<URL> {
  const mail = await fetch(`http://127.0.0.1:${port}/dev/mail`, { headers: { accept: 'application/json' } })
  const [newest]: { text: string }[] = await mail.json()
  return new URL(/http\S+\?token=[\w-]+/.exec(newest?.text ?? '')?.[0] ?? 'the newest mail has no link')
}
