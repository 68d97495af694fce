import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createAgent, dataFolder } from 'counterfoil/house'
import { stage } from '../../../tools/pack.ts'

const root = join(import.meta.dirname, '../../..')
const modules = join(root, 'node_modules')
// Gone when the whole file is done, wherever in it a project is made.
const home = dataFolder()

const installing = `
  const names = process.argv.slice(2).map((name) => (/counterfoil-.*tgz$/.test(name) ? 'counterfoil' : name))
  const manifest = { type: 'module', dependencies: Object.fromEntries(names.map((name) => [name, '*'])) }
  require('node:fs').writeFileSync('package.json', JSON.stringify(manifest))`

/**
 * Runs the commands that a page begins with, in a folder of their own. Instead of npm's network there is what the checkout
 * has installed, and the program is not started yet. `made`: what `init` says that it wrote.
 */
export async function begin(
  quickstart: string,
  program = 'server.js',
): Promise<{ folder: string; made: string[] }> {
  const commands = readFileSync(join(root, 'examples/quickstarts', quickstart, 'begin.sh'), 'utf8')
  const script = `NODE='${process.execPath}'
    npm() { "$NODE" -e "$INSTALLING" "$@"; ln -s '${modules}' node_modules; }
    npx() {
      if [ "$1" != counterfoil ]; then echo "$@" > started; return; fi
      shift; "$NODE" '${root}/packages/server/bin/counterfoil.js' "$@" --json > made.json
    }
    node() { echo "$@" > started; }
    ${commands.replaceAll('~/counterfoil', root)}`
  const cwd = mkdtempSync(join(home, 'project-'))
  const env = { PATH: process.env.PATH, INSTALLING: installing }
  await promisify(execFile)('sh', ['-ec', script], { cwd, env })
  const folder = join(cwd, `notes-${quickstart}`)
  assert.equal(readFileSync(join(folder, 'started'), 'utf8'), `${program}\n`)
  return { folder, made: JSON.parse(readFileSync(join(folder, 'made.json'), 'utf8')).made }
}

/** The browser client as npm installs it: compiled. What lies in the checkout is for Node alone. */
export async function installClient(folder: string): Promise<void> {
  const installed = join(folder, 'node_modules')
  unlinkSync(installed)
  mkdirSync(join(installed, '@counterfoil'), { recursive: true })
  for (const name of readdirSync(modules))
    if (!/^@counterfoil$|^\./.test(name)) symlinkSync(join(modules, name), join(installed, name))
  await stage('browser', join(installed, '@counterfoil/browser'))
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
