// The question: everybody's access token is over at the same moment; how fast are they all renewed, and does anybody get
// two successors?
import { password, postJson } from '../chaos/visitor.ts'
import { user } from './accounts.ts'
import { keepCalm, mostForeign } from './contenders.ts'
import { usedBy } from './cores.ts'
import { type Row, rowOf, type Target } from './figures.ts'
import { lookAtLoad, shareBetween } from './foreign-load.ts'
import { startOurs } from './ours.ts'
import { startPeer } from './peer.ts'
import { makePostgres } from './postgres-accounts.ts'
import { type Asked, answer } from './question.ts'
import { say } from './report.ts'
import { emailOf } from './seeds.ts'
import { type Line, openLine } from './socket.ts'
import { openStores } from './stores.ts'

type Plan = { rounds: number; attempts: number; people: number }
const plans: Record<'full' | 'quick', Plan> = {
  full: { rounds: 6, attempts: 9, people: 300 },
  quick: { rounds: 2, attempts: 3, people: 60 },
}
const connections = 16
const tabs = 4

type Storm = { perSecond: number; wrong: number }
type Round = { foreign: number; once: Storm; tabs: Storm & { torn: number }; theirs: Storm }

const form = { 'content-type': 'application/x-www-form-urlencoded' }

/** Everything at once, over a few connections; how many a second of the server's processor time. */
async function storm(
  { pid, lines, count }: { pid: number; lines: readonly Line[]; count: number },
  one: (line: Line, index: number) => Promise<boolean>,
): Promise<Storm> {
  let [next, wrong] = [0, 0]
  const before = usedBy(pid)
  await Promise.all(
    lines.map(async (line) => {
      for (let index = next++; index < count; index = next++) if (!(await one(line, index))) wrong++
    }),
  )
  return { perSecond: (count * 1000) / (usedBy(pid) - before), wrong }
}

const refreshWith = (line: Line, token: string) =>
  line.ask({
    ...{ method: 'POST', path: '/oauth/token', headers: form },
    body: `grant_type=refresh_token&refresh_token=${token}`,
  })
const successorIn = (body: string) => (JSON.parse(body) as { refresh_token?: string }).refresh_token ?? ''

/** Each person's browser, or each of its tabs. */
async function renew(tokens: string[], given: { pid: number; lines: readonly Line[]; each: number }) {
  const { pid, lines, each } = given
  const old = [...tokens]
  const successors = old.map(() => new Set<string>())
  const found = await storm({ pid, lines, count: old.length * each }, async (line, index) => {
    // The tabs of one person follow each other closely.
    const person = Math.floor(index / each)
    const { status, body } = await refreshWith(line, old[person] ?? '')
    if (status === 200) successors[person]?.add(successorIn(body))
    return status === 200
  })
  for (const [person, all] of successors.entries()) tokens[person] = [...all][0] ?? ''
  return { ...found, torn: successors.filter(({ size }) => size !== 1).length }
}

async function measure({ plan, undo }: Asked<Plan>): Promise<Row[]> {
  const stores = await openStores({})
  undo.push(stores.close)
  const database = await stores.database('ours')
  await makePostgres(database)
  const ours = await startOurs('node', 'counterfoil', { database })
  undo.push(ours.close)
  const theirs = await startPeer('better-auth', { variant: 'pg jwt', url: await stores.database('theirs') })
  undo.push(theirs.close)
  const open = async (port: number) => {
    const lines = await Promise.all(Array.from({ length: connections }, () => openLine(port)))
    undo.push(() => {
      for (const line of lines) line.close()
    })
    return lines
  }
  const tokens = await signInAll(ours.port, plan.people)
  const mine = { pid: ours.pid, lines: await open(ours.port) }
  const cookies = await cookiesOf(theirs.port)
  const other = { pid: theirs.pid, lines: await open(theirs.port), count: plan.people }
  const theirStorm = () =>
    storm(other, async (line, index) => {
      const headers = { cookie: cookies[index % cookies.length] ?? '' }
      return (await line.ask({ method: 'GET', path: '/api/auth/token', headers })).status === 200
    })
  for (let pass = 0; pass < 3; pass++) await renew(tokens, { ...mine, each: 1 })
  for (let pass = 0; pass < 3; pass++) await theirStorm()
  const rounds: Round[] = []
  for (let calm = 0; calm < plan.rounds && rounds.length < plan.attempts; ) {
    const before = lookAtLoad()
    const once = await renew(tokens, { ...mine, each: 1 })
    const many = await renew(tokens, { ...mine, each: tabs })
    const found = { once, tabs: many, theirs: await theirStorm() }
    const { foreign } = shareBetween(before, lookAtLoad())
    rounds.push({ foreign, ...found })
    if (foreign <= mostForeign) calm++
    say(`round ${rounds.length}: ${once.perSecond.toFixed(0)}/s, others used ${foreign.toFixed(2)} cores`)
  }
  return rowsOf(keepCalm(rounds, plan.rounds), rounds)
}

/** One is enough: nothing of its tokens is kept. */
async function cookiesOf(port: number): Promise<string[]> {
  const body = { email: user.email, password }
  const headers = { origin: 'http://localhost:3000' }
  const answer = await postJson(`http://127.0.0.1:${port}/api/auth/sign-in/email`, body, headers)
  if (answer.status !== 200) throw new Error(`not signed in: ${answer.status}`)
  return [
    answer.headers
      .getSetCookie()
      .map((line) => line.split(';', 1)[0])
      .join('; '),
  ]
}

async function signInAll(port: number, people: number): Promise<string[]> {
  const found: string[] = []
  while (found.length < people) {
    const some = Array.from({ length: 8 }, async (_, at) => {
      const email = emailOf(1, found.length + at)
      const body = { email, password, carrier: 'token' }
      const answer = await postJson(`http://127.0.0.1:${port}/auth/sign-in`, body)
      return successorIn(await answer.text())
    })
    found.push(...(await Promise.all(some)))
  }
  return found.slice(0, people)
}

function rowsOf(rounds: readonly Round[], all: readonly Round[]): Row[] {
  const question = 'new access tokens in a second of the processor time of the server, PostgreSQL'
  const none: Target = { of: 'median', most: 0, text: '0' }
  const rates = (which: 'once' | 'tabs' | 'theirs') => rounds.map((round) => round[which].perSecond)
  const sum = (count: (round: Round) => number) => all.reduce((total, round) => total + count(round), 0)
  const counted = (value: number) => ({ values: [value], target: none })
  return [
    rowOf({
      question,
      candidate: 'Better Auth, JWT plugin (GET /api/auth/token)',
      unit: '1/s',
      values: rates('theirs'),
    }),
    rowOf({
      ...{ question, candidate: 'counterfoil, refresh token / Better Auth, JWT plugin', unit: '1/s' },
      ...{ values: rates('once'), against: rates('theirs') },
    }),
    rowOf({
      ...{
        question,
        candidate: `counterfoil, the same from ${tabs} tabs of each browser at once`,
        unit: '1/s',
      },
      values: rates('tabs'),
    }),
    rowOf({
      ...{ question, candidate: 'counterfoil, browsers that got two successors, or none', unit: 'browsers' },
      ...counted(sum(({ tabs: found, once }) => found.torn + (once.wrong > 0 ? 1 : 0))),
    }),
    rowOf({
      ...{ question, candidate: 'counterfoil, tabs that were refused', unit: 'answers' },
      ...counted(sum(({ tabs: found }) => found.wrong)),
    }),
  ]
}

process.exitCode = await answer('refreshes', plans, measure)
