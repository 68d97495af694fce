import { settle } from '../chaos/processes.ts'
import type { Stopped } from './cluster-rows.ts'
import { say } from './report.ts'
import { askOnce, type Site, within } from './site.ts'
import { type Answered, openLine } from './socket.ts'

/** Longer than any server goes on from what it knows. */
const watchedFor = 24_000
const clear = new Set(['store_unavailable', 'feed_stale'])

/** The database is killed under three servers: what do they go on answering, for how long, and what do they refuse? */
export async function readsWithoutDatabase(site: Site): Promise<Stopped> {
  const [, second] = site.nodes
  const headers = site.headersOf(1)
  const read = async () => (await askOnce(second.port, '/auth/session', headers)).status
  if ((await read()) !== 200) throw new Error('a live session is refused')
  await site.stopDatabase()
  const began = performance.now()
  const found = { acceptedFor: 0, wrong: 0, writes: 0, unclear: 0, slowest: 0 }
  const isOver = () => performance.now() - began > watchedFor
  async function reading(): Promise<void> {
    let isRefused = false
    while (!isOver()) {
      const status = await read()
      if (status === 200) found.acceptedFor = (performance.now() - began) / 1000
      // What was refused once stays so until the database is back.
      if (status === 200 ? isRefused : status !== 503) found.wrong++
      isRefused ||= status !== 200
      await settle(100)
    }
  }
  async function writing(path: string, body: string): Promise<void> {
    while (!isOver()) {
      const asked = performance.now()
      const answer = await write(second.port, path, { headers, body })
      found.writes++
      found.slowest = Math.max(found.slowest, (performance.now() - asked) / 1000)
      if (!isClear(answer)) found.unclear++
      await settle(200)
    }
  }
  const credentials = JSON.stringify({ email: 'a1@bench.example', password: site.password, carrier: 'token' })
  await Promise.all([reading(), writing('/auth/sign-out', ''), writing('/auth/sign-in', credentials)])
  await site.startDatabase()
  const backAfter = (await within(20_000, async () => (await read()) === 200)) / 1000
  say(
    `without the database: reads for ${found.acceptedFor.toFixed(1)} s, back after ${backAfter.toFixed(1)} s`,
  )
  return { ...found, backAfter }
}

async function write(
  port: number,
  path: string,
  { headers, body }: { headers: Record<string, string>; body: string },
): Promise<Answered> {
  const line = await openLine(port)
  try {
    return await line.ask({
      method: 'POST',
      path,
      headers: { ...headers, 'content-type': 'application/json' },
      body,
    })
  } finally {
    line.close()
  }
}

function isClear({ status, body }: Answered): boolean {
  if (status !== 503) return false
  const { code } = JSON.parse(body) as { code?: string }
  return code !== undefined && clear.has(code)
}
