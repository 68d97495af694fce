import { mkdirSync, writeFileSync } from 'node:fs'
import { arch, cpus, platform } from 'node:os'
import { dirname } from 'node:path'
import { type Row, tallyOf } from './figures.ts'

export const say = (line: string) => console.log(line)

export function describeMachine(): string {
  const [{ model } = { model: 'unknown' }, ...others] = cpus()
  return `Node ${process.versions.node}, OpenSSL ${process.versions.openssl}, ${platform()} ${arch()}, ${others.length + 1} x ${model.trim()}`
}

export const shown = (value: number | null) =>
  value === null ? '' : value >= 1000 ? Math.round(value).toLocaleString('en') : String(value)

const heading = ['candidate', 'unit', 'rounds', 'median', 'low - high', 'ratio', 'target', 'held']

function cellsOf(row: Row): string[] {
  const { candidate, unit, rounds, median, low, high, ratio, target, held } = row
  const verdict = held === null ? '' : held ? 'held' : 'MISSED'
  const spread = `${shown(low)} - ${shown(high)}`
  return [candidate, unit, String(rounds), shown(median), spread, shown(ratio), target ?? '', verdict]
}

export function tableOf(rows: readonly Row[]): string {
  const lines: string[] = []
  for (const [question, group] of Map.groupBy(rows, (row) => row.question)) {
    const cells = [heading, ...group.map(cellsOf)]
    const widths = heading.map((_, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0)))
    lines.push('', question)
    for (const line of cells)
      lines.push(`  ${line.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ')}`.trimEnd())
  }
  return lines.join('\n')
}

/** A target was missed. Node itself ends with 1 where something broke. */
export const missedCode = 2

/** Prints what was found and keeps it. The exit code: whether every target was held. */
export function conclude(rows: readonly Row[], path: string): number {
  say(tableOf(rows))
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `${JSON.stringify(rows, null, 2)}\n`)
  const { held, of } = tallyOf(rows)
  return held === of ? 0 : missedCode
}
