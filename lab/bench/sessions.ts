// The question: do a million live sessions make requests dearer than a thousand? Ours is asked the same in `cluster`.
import pg from 'pg'
import { user } from './accounts.ts'
import { openLoad } from './adapter-load.ts'
import { type Contender, type ContenderPlan, measureContenders } from './contenders.ts'
import { type Row, rowOf } from './figures.ts'
import { type Peer, startPeer } from './peer.ts'
import { type Asked, answer } from './question.ts'
import { say } from './report.ts'
import { ratesOf } from './rounds.ts'
import { openStores } from './stores.ts'

type Plan = ContenderPlan & { many: number; over: number }
const plans: Record<'full' | 'quick', Plan> = {
  full: {
    many: 1_000_000,
    over: 20_000,
    rounds: 6,
    attempts: 9,
    turns: 4,
    slotMilliseconds: 60,
    warmMilliseconds: 1000,
  },
  quick: {
    many: 20_000,
    over: 5000,
    rounds: 2,
    attempts: 3,
    turns: 3,
    slotMilliseconds: 40,
    warmMilliseconds: 500,
  },
}
const few = 1000

/** Written by the database itself, so that a million take seconds and not a day. */
const statements: Record<string, string> = {
  'express-session': `insert into session (sid, sess, expire)
    select 'bench-' || i, json_build_object('cookie', json_build_object('originalMaxAge', 900000, 'expires',
      to_char(now() + interval '1 day', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'httpOnly', true, 'path', '/'), 'user', $1::json),
      now() + interval '1 day' from generate_series(1, $2::int) i`,
  'better-auth': `insert into session (id, token, "userId", "expiresAt", "createdAt", "updatedAt", "ipAddress", "userAgent")
    select 'bench-' || i, 'bench-' || i, $1::json ->> 'id', now() + interval '7 days', now(), now(), '', 'bench'
    from generate_series(1, $2::int) i`,
}

async function fill(url: string, peer: string, count: number): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(statements[peer] ?? '', [JSON.stringify(user), count])
    await client.query('vacuum analyze')
    await client.query('checkpoint')
  } finally {
    await client.end()
  }
}

const peers = [
  { name: 'express, express-session with PostgreSQL', peer: 'express-session', variant: 'postgres' },
  { name: 'node, Better Auth with PostgreSQL', peer: 'better-auth', variant: 'pg' },
] as const

async function measure({ plan, undo }: Asked<Plan>): Promise<Row[]> {
  const stores = await openStores({})
  undo.push(stores.close)
  const contenders: Contender[] = []
  for (const [index, { name, peer, variant }] of peers.entries()) {
    for (const count of [few, plan.many]) {
      const url = await stores.database(`size${count}_${index}`)
      const application: Peer = await startPeer(peer, { variant, url, seconds: 900 })
      undo.push(application.close)
      // Its table comes with its first session.
      await application.credentials(1)
      const began = performance.now()
      await fill(url, peer, count)
      say(`${name}: ${count} sessions in ${((performance.now() - began) / 1000).toFixed(1)} s`)
      const over = Math.min(count, plan.over)
      const lines = await application.signed(over, Math.floor(count / over))
      const load = await openLoad({ port: application.port, lines })
      undo.push(load.close)
      contenders.push({ name: nameOf(name, count), application, load })
    }
  }
  const rounds = await measureContenders(contenders, plan)
  const question = 'requests in a second of processor time, by sessions in the database: the others'
  return peers.flatMap(({ name }) => {
    const [small, large] = [few, plan.many].map((count) => nameOf(name, count))
    const values = (which = '') => ratesOf(rounds, which)
    return [
      rowOf({ question, candidate: small ?? '', unit: '1/s', values: values(small) }),
      rowOf({ question, candidate: large ?? '', unit: '1/s', values: values(large), against: values(small) }),
    ]
  })
}

const nameOf = (name: string, count: number) => `${name}, ${count.toLocaleString('en')}`

process.exitCode = await answer('sessions', plans, measure)
