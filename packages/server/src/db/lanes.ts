import pg from 'pg'
import { ask, deaf } from './ask.ts'
import type { OnStatement } from './open.ts'
import { createNames, isOutdated } from './prepared.ts'
import { isUnavailable } from './unavailable.ts'

export type Lanes = {
  /** For statements that read and lock nothing: one that is lost with its connection is sent once more. */
  read(text: string, values: readonly unknown[]): Promise<pg.QueryResult>
  /** The same for what nobody asked for. */
  hint(text: string, values: readonly unknown[]): Promise<pg.QueryResult>
  close(): Promise<void>
}

type Sort = Parameters<OnStatement>[1]
type Query = { config: pg.QueryConfig; sort: Sort }

type Lane = {
  client: Promise<pg.Client> | null
  /** Statements that are on their way. */
  waiting: number
}

const laneCount = 2

/**
 * A few connections on which statements are sent without waiting for the answers before. They answer in order, so
 * nothing may run here that waits for a lock: everything behind it would wait too.
 */
export function openLanes(given: {
  config: pg.ClientConfig
  /** Sent once on each. */
  settings: string
  /** How long a server that does not answer is waited for. */
  deafMilliseconds: number
  onStatement: OnStatement
}): Lanes {
  const { config, settings, deafMilliseconds, onStatement } = given
  const lanes: Lane[] = Array.from({ length: laneCount }, () => ({ client: null, waiting: 0 }))
  const names = createNames('lane')
  let isClosed = false

  function connected(lane: Lane): Promise<pg.Client> {
    if (lane.client !== null) return lane.client
    const client = new pg.Client({ ...config, pipeline: true })
    const opening = (async () => {
      await client.connect()
      await answered(client, { text: settings })
      return client
    })()
    const forget = () => drop(lane, opening)
    client.on('error', forget)
    client.on('end', forget)
    opening.catch(() => {
      forget()
      void client.end().catch(() => {})
    })
    lane.client = opening
    return opening
  }

  /** Whoever does not answer one statement answers none of those behind it. */
  async function answered(client: pg.Client, config: pg.QueryConfig): Promise<pg.QueryResult> {
    try {
      return await ask(client, config, deafMilliseconds)
    } catch (error) {
      if (error === deaf) client.connection.stream.destroy()
      throw error
    }
  }

  async function send(lane: Lane, opening: Promise<pg.Client>, { config, sort }: Query) {
    lane.waiting += 1
    try {
      const client = await opening
      return await answered(client, config).finally(() => onStatement(config.text, sort))
    } finally {
      lane.waiting -= 1
    }
  }

  async function sendInLane(text: string, values: readonly unknown[], sort: Sort): Promise<pg.QueryResult> {
    // Parsing and planning cost more than most of our reads.
    const name = names.of(text)
    const config = { text, values: [...values], ...(name === undefined ? {} : { name }) }
    for (let isAgain = false; ; isAgain = true) {
      if (isClosed) throw new Error('The database was closed.')
      const lane = lanes.reduce((best, one) => (one.waiting < best.waiting ? one : best))
      const opening = connected(lane)
      try {
        return await send(lane, opening, { config, sort })
      } catch (error) {
        if (endsConnection(error)) drop(lane, opening)
        if (isAgain || lane.client === opening) throw error
      }
    }
  }

  return {
    read: (text, values) => sendInLane(text, values, 'asked'),
    hint: (text, values) => sendInLane(text, values, 'hint'),
    async close() {
      isClosed = true
      const open = lanes.map(({ client }) => client)
      for (const lane of lanes) lane.client = null
      await Promise.all(open.map((opening) => opening?.then((client) => client.end()).catch(() => {})))
    },
  }
}

/** Whoever comes next opens another connection; what is on its way here may still be answered. */
function drop(lane: Lane, opening: Promise<pg.Client>): void {
  if (lane.client !== opening) return
  lane.client = null
  void opening.then((client) => client.end()).catch(() => {})
}

/** A statement that took too long says nothing about its connection. */
function endsConnection(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return isOutdated(error) || (isUnavailable(error) && code !== '57014')
}
