import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { type Row, rowOf, type Target } from './figures.ts'
import { say } from './report.ts'

/** The heap is counted to the byte and a hundred thousand are averaged; another run differs in the last digit. */
const repeats = 1
const cases: readonly { kind: string; what: string; most: number | null }[] = [
  { kind: 'cookie', what: 'counterfoil, a cookie that is remembered', most: 400 },
  { kind: 'token', what: 'counterfoil, an access token that is remembered', most: 600 },
  { kind: 'crowded-cookie', what: 'the same cookie, among 500 bytes of other cookies', most: 400 },
  { kind: 'fast-jwt', what: 'fast-jwt, an access token in its cache', most: null },
]

/** Each in a process of its own, where nothing else has left anything behind. */
export function measureMemory(entries: number): Row[] {
  return cases.map(({ kind, what, most }) => {
    const values = Array.from({ length: repeats }, () => bytesOf(kind, entries))
    say(`memory: ${kind} ${values.join(' ')} bytes`)
    const target: Target | null = most === null ? null : { of: 'median', most, text: `<= ${most} bytes` }
    return rowOf({
      question: `memory beside the credential's own string, ${entries.toLocaleString('en')} of them`,
      ...{ candidate: what, unit: 'bytes', values },
      ...(target === null ? {} : { target }),
    })
  })
}

function bytesOf(kind: string, entries: number): number {
  const program = join(import.meta.dirname, 'memory-process.ts')
  const out = execFileSync(process.execPath, ['--expose-gc', program, kind, String(entries)], {
    encoding: 'utf8',
  })
  return Number(out)
}
