import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { cpus } from 'node:os'

/** Server and load on cores of their own, where there are two and somebody can say so. */
export function pin(pid: number | undefined, core: number): void {
  if (pid === undefined || process.platform !== 'linux' || cpus().length < 2) return
  execFileSync('taskset', ['-a', '-p', '-c', String(core), String(pid)], { stdio: 'ignore' })
}

/** Milliseconds of processor time, all threads: Linux counts them to the nanosecond, and those of a server do not end. */
export function usedBy(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`)
  const each = threads.map((one) => readFileSync(`/proc/${pid}/task/${one}/schedstat`, 'utf8').split(' ')[0])
  return each.reduce((sum, nanoseconds) => sum + Number(nanoseconds) / 1e6, 0)
}

/** The same of a process and all that it has started; what began or ended meanwhile counts as far as it is seen. */
export function usedByFamily(pid: number): number {
  return [pid, ...childrenOf(pid)].reduce((sum, one) => {
    try {
      return sum + usedBy(one)
    } catch {
      return sum
    }
  }, 0)
}

function childrenOf(pid: number): number[] {
  const found: number[] = []
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const text = readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8')
      for (const child of text.split(' ').filter(Boolean).map(Number)) found.push(child, ...childrenOf(child))
    }
  } catch {
    // It has ended.
  }
  return found
}
