import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Row } from './figures.ts'
import { shown } from './report.ts'

/** How much of what its target allows a row uses: 1 is the target itself, less is better, whichever way it points. */
export function shareOf({ median, ratio, target }: Row): number | null {
  const found = /^(>=|<=) ([\d.,]+)( x)?/.exec(target ?? '')
  if (found === null) return null
  const bound = Number(found[2]?.replaceAll(',', ''))
  const value = found[3] === undefined ? median : ratio
  if (value === null || bound === 0) return null
  return found[1] === '<=' ? value / bound : bound / value
}

/** One bar: its words, what was measured, and how much of the target that uses. */
export type Bar = { label: string; measured: string; target: string; share: number }

export function barsOf(rows: readonly Row[]): Bar[] {
  return rows.flatMap((row) => {
    const share = shareOf(row)
    if (share === null || row.target === null) return []
    const isRatio = row.target.includes(' x ')
    const value = isRatio ? `${shown(row.ratio)} x` : `${shown(row.median)} ${row.unit}`
    return [{ label: labelOf(row), measured: value, target: row.target, share }]
  })
}

const labelOf = ({ question, candidate }: Row) => `${candidate}|${question}`

const width = 960
const left = 500
const one = 310
const step = 52
const top = 96

const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

function lines({ label, measured, target, share }: Bar, index: number): string {
  const y = top + index * step
  const [candidate = '', question = ''] = label.split('|')
  const length = Math.max(2, Math.min(1.35, share) * one)
  const kind = share <= 1 ? 'bar' : 'bar missed'
  return `
  <text class="text" x="${left - 16}" y="${y + 14}" text-anchor="end">${escaped(candidate)}</text>
  <text class="small" x="${left - 16}" y="${y + 31}" text-anchor="end">${escaped(question)}</text>
  <rect class="${kind}" x="${left}" y="${y + 2}" width="${length.toFixed(1)}" height="18" rx="3"/>
  <text class="small" x="${left + 4}" y="${y + 34}"><tspan class="value">${escaped(measured)}</tspan>, target ${escaped(target.replace('<=', '≤').replace('>=', '≥'))}</text>`
}

export type Frame = { title: string; heading: string; below: string; mark: { at: number; text: string } }

/** What every picture of a measurement looks like, in daylight and in the dark; `about` is for who cannot see it. */
export function framed(frame: Frame, given: { bars: readonly string[]; about: readonly string[] }): string {
  const { title, heading, below, mark } = frame
  const { bars, about } = given
  const height = top + bars.length * step + 44
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title about" font-family="Segoe UI, Roboto, Helvetica, Arial, sans-serif">
  <title id="title">${escaped(title)}</title>
  <desc id="about">${escaped(about.join('; '))}.</desc>
  <style>
    .card { fill: #ffffff }
    .head { font-size: 19px; font-weight: 600; fill: #16211d }
    .text { font-size: 15px; fill: #16211d }
    .small { font-size: 12.5px; fill: #4c5a54 }
    .value { font-weight: 600; fill: #16211d }
    .bar { fill: #0e5a49 }
    .other { fill: #8a9a93 }
    .missed { fill: #a3341f }
    .mark { stroke: #16211d; stroke-width: 1.5; stroke-dasharray: 4 4 }
    @media (prefers-color-scheme: dark) {
      .card { fill: #101614 }
      .head, .text, .value { fill: #e8f0ec }
      .small { fill: #a9bdb4 }
      .bar { fill: #4fb597 }
      .other { fill: #5f6f68 }
      .missed { fill: #e0715b }
      .mark { stroke: #e8f0ec }
    }
  </style>
  <rect class="card" width="${width}" height="${height}" rx="10"/>
  <text class="head" x="24" y="38">${escaped(heading)}</text>
  <text class="small" x="24" y="60">${escaped(below)}</text>
  <line class="mark" x1="${mark.at}" y1="${top - 8}" x2="${mark.at}" y2="${height - 36}"/>
  <text class="small" x="${mark.at}" y="${height - 18}" text-anchor="middle">${escaped(mark.text)}</text>${bars.join('')}
</svg>
`
}

export function pictureOf(
  bars: readonly Bar[],
  machine: string,
  heading = 'Several servers on one PostgreSQL',
): string {
  const about = bars.map(
    ({ label, measured, target }) => `${label.split('|')[0]}: ${measured}, target ${target}`,
  )
  const frame = {
    ...{ title: `${heading}: what was measured, beside its targets`, heading },
    below: `How much of what each target allows was used; shorter is better. ${machine}`,
    mark: { at: left + one, text: 'the target' },
  }
  return framed(frame, { bars: bars.map(lines), about })
}

/** Rates beside one that is called 1: longer is better, and ours are in colour. */
export function ratesPicture(
  rows: readonly Row[],
  given: { heading: string; machine: string; ours: string },
): string {
  const { heading, machine, ours } = given
  const about = rows.map(({ candidate, ratio }) => `${candidate}: ${shown(ratio)}`)
  const bars = rows.map(({ candidate, ratio, median, unit }, index) => {
    const y = top + index * step
    const length = Math.max(2, Math.min(1.35, ratio ?? 0) * one)
    return `
  <text class="text" x="${left - 16}" y="${y + 14}" text-anchor="end">${escaped(candidate)}</text>
  <rect class="${candidate.includes(ours) ? 'bar' : 'other'}" x="${left}" y="${y + 2}" width="${length.toFixed(1)}" height="18" rx="3"/>
  <text class="small" x="${left + 4}" y="${y + 34}"><tspan class="value">${shown(ratio)}</tspan> of it, ${shown(median)} ${escaped(unit)}</text>`
  })
  const frame = {
    ...{ title: heading, heading, below: machine },
    mark: { at: left + one, text: 'an application that checks nothing' },
  }
  return framed(frame, { bars, about })
}

export function draw(path: string, picture: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, picture)
}

export function drawCluster(rows: readonly Row[], given: { machine: string; path: string }): void {
  draw(given.path, pictureOf(barsOf(rows), given.machine))
}
