import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const command = fileURLToPath(new URL('../bin/counterfoil.js', import.meta.resolve('counterfoil')))

export type ClusterNode = { name: string; port: number; process: ChildProcess }

type Settings = Readonly<Record<string, string>>

/** `init` and `migrate` come before the first node, so that no two nodes make the same thing at once. */
export function prepare(settings: Settings): void {
  for (const verb of ['init', 'migrate']) {
    const { status } = spawnSync(process.execPath, [command, verb], {
      env: environment(settings),
      stdio: 'inherit',
    })
    if (status !== 0) throw new Error(`counterfoil ${verb} failed`)
  }
}

/** A server as any other, on a port of its own. What it logs appears with its name in front. */
export async function startNode(name: string, settings: Settings): Promise<ClusterNode> {
  const child = spawn(process.execPath, [command, 'serve', '--port', '0'], {
    env: environment(settings),
    stdio: ['ignore', 'pipe', 'pipe'],
    // Ctrl-C goes to the whole group of the terminal; the nodes are told by us, in order.
    detached: true,
  })
  let said = ''
  child.stdout.on('data', (chunk) => {
    said += chunk
  })
  child.stderr.on('data', (chunk) => process.stderr.write(String(chunk).replace(/^(?=.)/gm, `${name}  `)))
  for (;;) {
    const port = /listening {2}\S*:(\d+)/.exec(said)?.[1]
    if (port !== undefined) return { name, port: Number(port), process: child }
    if (child.exitCode !== null) throw new Error(`node ${name} did not start`)
    await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])
  }
}

export async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  await exited
}

function environment(settings: Settings): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, ...settings }
}
