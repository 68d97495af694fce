import pg from 'pg'
import type { Hints } from './primary.ts'

const channel = 'counterfoil_feed'
const retryMilliseconds = { first: 50, most: 2000 }

/**
 * `send` tells on a connection that reads share, after the commit and in a statement of its own: the lock that PostgreSQL
 * takes to put hints in order is then held for none of our writes. Listening has a connection to itself.
 */
export function postgresHints(given: {
  config: pg.ClientConfig
  tell: (text: string, values: readonly string[]) => Promise<unknown>
}): Hints & { close(): Promise<void> } {
  const listeners = new Set<() => void>()
  let client: pg.Client | null = null
  /** The server's process that listens for us: no other node has the same. */
  let ownName = ''
  let delay = retryMilliseconds.first
  let timer: NodeJS.Timeout | null = null
  let sending: 'idle' | 'once' | 'again' = 'idle'

  async function send(): Promise<void> {
    if (sending !== 'idle') {
      sending = 'again'
      return
    }
    for (sending = 'once'; ; sending = 'once') {
      // A hint that is lost costs the time to the next look.
      await given.tell('select pg_notify($1, $2)', [channel, ownName]).catch(() => {})
      if (!isAskedAgain()) break
    }
    sending = 'idle'
  }
  const isAskedAgain = () => sending === 'again'

  function open(): void {
    const mine = new pg.Client(given.config)
    client = mine
    const lost = () => {
      if (client !== mine) return
      client = null
      ownName = ''
      void mine.end().catch(() => {})
      if (listeners.size > 0) timer = setTimeout(open, delay).unref()
      delay = Math.min(2 * delay, retryMilliseconds.most)
    }
    mine.on('error', lost)
    mine.on('end', lost)
    mine.on('notification', ({ payload }) => {
      // What we wrote ourselves we know.
      if (payload !== ownName) wake()
    })
    mine
      .connect()
      .then(() => mine.query<{ name: string }>('select cast(pg_backend_pid() as text) as name'))
      .then(({ rows }) => {
        ownName = rows[0]?.name ?? ''
        return mine.query(`listen ${channel}`)
      })
      .then(() => {
        delay = retryMilliseconds.first
        // What was sent while nobody listened.
        wake()
      })
      .catch(lost)
  }

  function wake(): void {
    for (const onHint of listeners) onHint()
  }

  async function hangUp(): Promise<void> {
    if (timer !== null) clearTimeout(timer)
    const open = client
    client = null
    await open?.end().catch(() => {})
  }

  return {
    send: () => void send(),
    listen(onHint) {
      listeners.add(onHint)
      if (listeners.size === 1) open()
      return () => {
        listeners.delete(onHint)
        if (listeners.size === 0) void hangUp()
      }
    },
    async close() {
      listeners.clear()
      await hangUp()
    },
  }
}
