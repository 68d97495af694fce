import { readdirSync, readFileSync } from 'node:fs'
import { cpus } from 'node:os'

/** How busy the machine was, and how much of that was this process and its descendants. In seconds of one core. */
export type Busy = { readonly at: number; readonly all: number; readonly ours: number }

const ticksPerSecond = 100

export function lookAtLoad(): Busy {
  return { at: performance.now() / 1000, all: machineSeconds(), ours: ourSeconds() }
}

export type Share = { readonly foreign: number; readonly ours: number }

/** Cores in use between two looks: by others, and by us. */
export function shareBetween(before: Busy, after: Busy): Share {
  const seconds = after.at - before.at
  const ours = (after.ours - before.ours) / seconds
  return { ours, foreign: Math.max(0, (after.all - before.all) / seconds - ours) }
}

/** Linux counts in hundredths; elsewhere Node adds up the cores in milliseconds. */
function machineSeconds(): number {
  const line = textOf('/proc/stat')?.split('\n', 1)[0]
  if (line === undefined) {
    return cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0) / 1000
  }
  // user nice system idle iowait irq softirq steal: what a hypervisor takes disturbs as well.
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number)
  return (user + nice + system + irq + softirq + steal) / ticksPerSecond
}

function ourSeconds(): number {
  const seconds = new Map<number, number>()
  const parents = new Map<number, number>()
  for (const name of namesIn('/proc')) {
    // The name of a program may hold spaces, and ends with the last bracket.
    const fields = /^\d+$/.test(name)
      ? textOf(`/proc/${name}/stat`)?.split(') ').at(-1)?.split(' ')
      : undefined
    if (fields === undefined) continue
    parents.set(Number(name), Number(fields[1]))
    // Its own, and that of its children which have ended.
    const [user = 0, system = 0, userBefore = 0, systemBefore = 0] = fields.slice(11, 15).map(Number)
    seconds.set(Number(name), (user + system + userBefore + systemBefore) / ticksPerSecond)
  }
  // Where the system does not tell, our own share is all there is to know.
  if (seconds.size === 0) return process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6
  let sum = 0
  for (const [pid, used] of seconds) if (isOurs(pid, parents)) sum += used
  return sum
}

function isOurs(pid: number, parents: ReadonlyMap<number, number>): boolean {
  for (let at: number | undefined = pid; at !== undefined && at > 1; at = parents.get(at)) {
    if (at === process.pid) return true
  }
  return false
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}
