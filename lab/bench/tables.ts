import type { DayRow } from '../sim/day-report.ts'
import type { About } from './about.ts'
import { type Row, tallyOf } from './figures.ts'
import { shown } from './report.ts'

/** All that documents quote: one run of the bench, where it ran, and a day of the simulator. */
export type Results = { rows: readonly Row[]; about: About; day: readonly DayRow[] }

const block = /<!-- measured: ([^\n]+) -->\n[\s\S]*?<!-- end of what was measured -->/g
const closing = '<!-- end of what was measured -->'

/** What the front page quotes: ratios alone, since they travel to other machines. The words, and the row they are taken from. */
const headlines: readonly [words: string, question: RegExp, candidate: string][] = [
  [
    'A request by cookie, of the rate of one that is not checked at all',
    /^GET \/me in a second of the processor time of the server$/,
    'node, counterfoil, by cookie',
  ],
  [
    'A request by bearer token, of the same',
    /^GET \/me in a second of the processor time of the server$/,
    'node, counterfoil, by bearer',
  ],
  [
    'A request by cookie, beside Better Auth',
    /beside others$/,
    'node, counterfoil by cookie / Better Auth with SQLite',
  ],
  [
    'The same, with its cookie cache on',
    /beside others$/,
    'node, counterfoil by cookie / Better Auth with SQLite, cookie cache',
  ],
  [
    'On Express, beside express-session with PostgreSQL',
    /beside others$/,
    'express, counterfoil by cookie / express-session with PostgreSQL',
  ],
  [
    'On Express, beside express-session with Redis',
    /beside others$/,
    'express, counterfoil by cookie / express-session with Redis',
  ],
  [
    'A request with the store 5 ms further away, of the time before',
    /^milliseconds of a request, one after the other/,
    'node, counterfoil by cookie, 5 ms away',
  ],
  [
    'A million sessions, of the rate with a thousand',
    /^requests in a second of processor time, by sessions in the database$/,
    'load over 20,000 of 1,000,000',
  ],
  ['Sign-ins a second, beside Better Auth', /^sign-ins in a second on one core/, 'counterfoil / Better Auth'],
]

/** A ratio that flatters us is rounded against us. */
function times({ ratio, unit }: Row): string {
  const isCost = unit === 'ms'
  const digits = (ratio ?? Number.NaN) >= 3 ? 1 : 100
  return `${(isCost ? Math.ceil : Math.floor)((ratio ?? Number.NaN) * digits) / digits} x`
}

function headlineTable({ rows }: Results): string {
  const lines = headlines.map(([words, question, candidate]) => {
    const row = rows.find((one) => question.test(one.question) && one.candidate === candidate)
    if (row?.ratio == null) throw new Error(`there is no ratio of "${candidate}" in the results`)
    return `| ${words} | ${times(row)} |`
  })
  return ['| What | Ratio |', '|---|---:|', ...lines].join('\n')
}

function machineTable({ about, rows }: Results): string {
  const { machine, memory, system, asked, versions } = about
  const runs = Map.groupBy(Object.keys(asked), (name) => asked[name])
  const { held, of } = tallyOf(rows)
  const lines = [
    ['machine', `${machine}; ${memory}; ${system}`],
    ...[...runs].map(([when, names]) => [`asked at ${when}`, names.join(', ')]),
    ['targets', `${held} of ${of} held`],
    [
      'versions',
      Object.entries(versions)
        .map((pair) => pair.join(' '))
        .join(', '),
    ],
  ]
  return ['| | |', '|---|---|', ...lines.map((cells) => `| ${cells.join(' | ')} |`)].join('\n')
}

function targetTable({ rows }: Results): string {
  const lines = rows
    .filter(({ target }) => target !== null)
    .map(({ question, candidate, median, ratio, unit, target, held }) => {
      const found = target?.includes(' x ') === true ? shown(ratio) : `${shown(median)} ${unit}`
      return `| ${question}: ${candidate} | ${found} | ${target} | ${held === true ? 'held' : '**missed**'} |`
    })
  return ['| What | Measured | Target | |', '|---|---:|---|---|', ...lines].join('\n')
}

function questionTable({ rows }: Results, question: string): string {
  const own = rows.filter((row) => row.question === question)
  if (own.length === 0) throw new Error(`nothing was measured under "${question}"`)
  const hasRatio = own.some(({ ratio }) => ratio !== null)
  const lines = own.map(({ candidate, median, low, high, unit, rounds, ratio }) =>
    [
      ...['', candidate, `${shown(median)} ${unit}`, `${shown(low)} – ${shown(high)}`, String(rounds)],
      ...(hasRatio ? [shown(ratio)] : []),
      '',
    ]
      .join(' | ')
      .trim(),
  )
  const head = hasRatio
    ? ['| | Median | Spread | Rounds | Ratio |', '|---|---:|---:|---:|---:|']
    : ['| | Median | Spread | Rounds |', '|---|---:|---:|---:|']
  return [...head, ...lines].join('\n')
}

function dayTable({ day }: Results): string {
  const lines = day.map((row) => {
    const { nodes, balancer, requests, share, fills, touches, memoryMiB } = row
    const where = balancer === 'sticky' ? 'stay' : 'go anywhere'
    const own = `${shown(memoryMiB)} MiB | ${shown(row.feedBytesASecond)} | ${shown(row.fillBytesASecond)}`
    const memory = `${(share * 100).toFixed(1)} %`
    return `| ${shown(nodes)} | ${where} | ${shown(requests)} | ${memory} | ${shown(fills)} | ${shown(touches)} | ${own} | ${shown(row.feedMegabitsASecond)} | ${shown(row.ageP99)} |`
  })
  return [
    '| Nodes | Sessions | Requests/s | From memory | Fills/s | Touches/s | Memory of a node | Feed, bytes/s a node | Fills, bytes/s a node | All streams, Mbit/s | Age of knowledge, p99, ms |',
    '|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|',
    ...lines,
  ].join('\n')
}

/** The document with every block as these results have it. */
export function filled(text: string, results: Results): string {
  const known: Record<string, (results: Results) => string> = {
    ...{ ratios: headlineTable, machine: machineTable, targets: targetTable, day: dayTable },
  }
  return text.replaceAll(block, (_, name: string) => {
    const table = known[name]?.(results) ?? questionTable(results, name)
    return `<!-- measured: ${name} -->\n\n${table}\n\n${closing}`
  })
}

/** What is left of a document without what was filled in. */
export const withoutBlocks = (text: string) => text.replaceAll(block, '')
