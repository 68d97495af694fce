import type { DayRow } from './day-report.ts'

const width = 960
const height = 520
const plot = { left: 110, right: 700, top: 90, bottom: 450 }
const lowest = 10
const highest = 100_000

/** Both scales are logarithmic: one step is ten times as much. */
const xOf = (nodes: number) => plot.left + ((plot.right - plot.left) * Math.log10(nodes)) / 3
const yOf = (value: number) =>
  plot.bottom -
  ((plot.bottom - plot.top) * Math.log10(Math.max(lowest, value) / lowest)) / Math.log10(highest / lowest)

type Line = { name: string; style: string; points: [nodes: number, value: number][]; labelAt: number }

function linesOf(rows: readonly DayRow[]): Line[] {
  const of = (balancer: DayRow['balancer'], value: (row: DayRow) => number) =>
    rows
      .filter((row) => row.balancer === balancer || row.nodes === 1)
      .map((row): [number, number] => [row.nodes, value(row)])
  return [
    { name: 'requests', style: 'other', points: of('sticky', ({ requests }) => requests), labelAt: -10 },
    {
      name: 'fills, sent anywhere',
      style: 'missed',
      points: of('spread', ({ fills }) => fills),
      labelAt: 16,
    },
    {
      name: 'fills, sessions stay on a node',
      style: 'line',
      points: of('sticky', ({ fills }) => fills),
      labelAt: 0,
    },
    { name: 'touches', style: 'thin', points: of('sticky', ({ touches }) => touches), labelAt: 14 },
  ]
}

function drawn({ name, style, points, labelAt }: Line): string {
  const path = points.map(([nodes, value]) => `${xOf(nodes).toFixed(1)},${yOf(value).toFixed(1)}`).join(' ')
  const [, last = 0] = points.at(-1) ?? []
  return `
  <polyline class="${style}" points="${path}"/>
  <text class="text" x="${plot.right + 12}" y="${(yOf(last) + 5 + labelAt).toFixed(1)}">${name}: ${Math.round(last).toLocaleString('en')}</text>`
}

export function dayPicture(rows: readonly DayRow[]): string {
  const lines = linesOf(rows)
  const about = lines.map(
    ({ name, points }) =>
      `${name}: ${points.map(([nodes, value]) => `${Math.round(value)} at ${nodes}`).join(', ')}`,
  )
  const columns = [1, 10, 100, 1000].map(
    (nodes) =>
      `<text class="small" x="${xOf(nodes)}" y="${plot.bottom + 24}" text-anchor="middle">${nodes.toLocaleString('en')}</text>`,
  )
  const steps = [10, 100, 1000, 10_000, 100_000].map(
    (
      value,
    ) => `<line class="grid" x1="${plot.left}" y1="${yOf(value)}" x2="${plot.right}" y2="${yOf(value)}"/>
  <text class="small" x="${plot.left - 10}" y="${yOf(value) + 4}" text-anchor="end">${value.toLocaleString('en')}</text>`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title about" font-family="Segoe UI, Roboto, Helvetica, Arial, sans-serif">
  <title id="title">A hundred million sessions: what reaches the database in a second, against the number of nodes</title>
  <desc id="about">${about.join('; ')}.</desc>
  <style>
    .card { fill: #ffffff }
    .head { font-size: 19px; font-weight: 600; fill: #16211d }
    .text { font-size: 14px; fill: #16211d }
    .small { font-size: 12.5px; fill: #4c5a54 }
    .grid { stroke: #d9e0dc; stroke-width: 1 }
    polyline { fill: none; stroke-width: 3; stroke: #0e5a49 }
    .other { stroke: #8a9a93 }
    .missed { stroke: #a3341f }
    .thin { stroke: #0e5a49; stroke-dasharray: 5 5 }
    @media (prefers-color-scheme: dark) {
      .card { fill: #101614 }
      .head, .text { fill: #e8f0ec }
      .small { fill: #a9bdb4 }
      .grid { stroke: #26302c }
      polyline, .thin { stroke: #4fb597 }
      .other { stroke: #5f6f68 }
      .missed { stroke: #e0715b }
    }
  </style>
  <rect class="card" width="${width}" height="${height}" rx="10"/>
  <text class="head" x="24" y="38">A hundred million sessions, by the number of nodes</text>
  <text class="small" x="24" y="60">In a second, on average over a simulated day. Fills and touches reach the database, everything else is memory.</text>
  ${steps.join('\n  ')}
  ${columns.join('\n  ')}
  <text class="small" x="${(plot.left + plot.right) / 2}" y="${plot.bottom + 48}" text-anchor="middle">nodes</text>${lines.map(drawn).join('')}
</svg>
`
}
