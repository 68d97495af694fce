import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { quantile } from '../bench/figures.ts'
import { playDay, type World } from './day.ts'
import { dayPicture } from './day-picture.ts'

/** A hundred million people; what they do is assumed, and every figure of it is here. */
const people: Omit<World, 'nodes' | 'balancer'> = {
  sessions: 100_000_000,
  visitsADay: 3,
  requestsAVisit: 10,
  visitSeconds: 300,
  endsADay: 1_000_000,
  cacheEntries: 100_000,
  seconds: 86_400,
}
const worlds: Pick<World, 'nodes' | 'balancer'>[] = [1, 10, 100, 1000].flatMap((nodes) =>
  (['sticky', 'spread'] as const).map((balancer) => ({ nodes, balancer })),
)
/** Bytes beside the string, as `lab/bench` measured them (`growth`, `verify`), and the string with what holds it. */
const bytesAnEnd = 220
const bytesACookie = 375 + 120

export type DayRow = {
  nodes: number
  balancer: World['balancer']
  /** Of the whole cluster, in a second: on average, and in the busiest one that was played. */
  requests: number
  fills: number
  touches: number
  busiestTouches: number
  share: number
  /** Of one node. */
  memoryMiB: number
  feedBytesASecond: number
  fillBytesASecond: number
  /** Of all streams together, at the hubs. */
  feedMegabitsASecond: number
  ageP50: number
  ageP99: number
  ageMost: number
  shownAgain: number
  acceptedAgain: number
}

function rowOf(world: World, seed: number): DayRow {
  const { nodes, balancer, seconds } = world
  const day = playDay(world, seed)
  const all = (day.thinned * nodes) / seconds
  const visits = (world.sessions * world.visitsADay) / 86_400
  // A touch is written once an hour at most, whoever asks: a visit after one of the last hour writes none.
  const touches = visits * Math.exp(-world.visitsADay / 24)
  const bytes = day.endsKept * bytesAnEnd + day.cached * day.thinned * bytesACookie
  const feed = day.feedBytes / seconds
  const number = (value: number) => Number(value.toPrecision(4))
  return {
    ...{ nodes, balancer, requests: number(day.requests * all), fills: number(day.fills * all) },
    ...{ touches: number(touches), busiestTouches: number(touches * 1.8) },
    share: number(1 - day.fills / day.requests),
    memoryMiB: number(bytes / 2 ** 20),
    feedBytesASecond: number(feed),
    fillBytesASecond: number((day.fillBytes * day.thinned) / seconds),
    feedMegabitsASecond: number((feed * nodes * 8) / 1e6),
    ...{ ageP50: number(quantile(day.ages, 0.5)), ageP99: number(quantile(day.ages, 0.99)) },
    ageMost: number(Math.max(...day.ages)),
    ...{ shownAgain: day.shownAgain, acceptedAgain: day.acceptedAgain },
  }
}

/** Plays one node of each cluster through a day, prints it, and keeps it. The exit code: nothing was accepted after its end. */
export function reportDay(
  say: (line: string) => void,
  given: { seconds: number; out: string; picture: string },
): number {
  const rows: DayRow[] = []
  for (const world of worlds) {
    if (world.nodes === 1 && world.balancer === 'spread') continue
    const began = performance.now()
    const row = rowOf({ ...people, ...world, seconds: given.seconds }, 1)
    rows.push(row)
    const took = ((performance.now() - began) / 1000).toFixed(0)
    say(
      `${row.nodes} nodes, ${row.balancer}: ${row.requests} requests/s, ${(row.share * 100).toFixed(1)} % from memory, ${row.fills} fills/s, ${row.memoryMiB} MiB a node, feed ${row.feedBytesASecond} bytes/s a node, age p99 ${row.ageP99} ms (${took} s)`,
    )
  }
  for (const path of [given.out, given.picture]) mkdirSync(dirname(path), { recursive: true })
  writeFileSync(given.out, `${JSON.stringify({ command: 'npm run sim -- --day', people, rows }, null, 2)}\n`)
  writeFileSync(given.picture, dayPicture(rows))
  const accepted = rows.reduce((sum, { acceptedAgain }) => sum + acceptedAgain, 0)
  const shown = rows.reduce((sum, { shownAgain }) => sum + shownAgain, 0)
  say(`${shown} ended sessions were shown again once their end was there, ${accepted} accepted`)
  return accepted === 0 && shown > 0 ? 0 : 1
}

export const dayFiles = {
  out: join(import.meta.dirname, 'results/day.json'),
  picture: join(import.meta.dirname, '../../docs/pictures/scale.svg'),
}
