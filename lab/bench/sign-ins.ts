// The question: how many people can sign in a second, and what do all the others notice of it?
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as settle } from 'node:timers/promises'
import { password } from '../chaos/visitor.ts'
import { hashed, user } from './accounts.ts'
import type { Application } from './application.ts'
import { keepCalm, mostForeign } from './contenders.ts'
import { pin } from './cores.ts'
import { quantile, type Row, rowOf, type Target } from './figures.ts'
import { lookAtLoad, shareBetween } from './foreign-load.ts'
import type { Outcome } from './load.ts'
import type { Reply } from './load-process.ts'
import { startOurs } from './ours.ts'
import { startPeer } from './peer.ts'
import { makePostgres } from './postgres-accounts.ts'
import { type Asked, answer, type Undo } from './question.ts'
import { say } from './report.ts'
import { emailOf } from './seeds.ts'
import { openLine } from './socket.ts'
import { openStores } from './stores.ts'

/** `warm`: milliseconds of sign-ins before the first round. At so few a second, a new process runs them uncompiled that long. */
type Plan = { rounds: number; attempts: number; slot: number; warm: number }
const plans: Record<'full' | 'quick', Plan> = {
  full: { rounds: 5, attempts: 8, slot: 3000, warm: 12_000 },
  quick: { rounds: 2, attempts: 2, slot: 1500, warm: 750 },
}
const inFlight = 16
/** Requests a second of others, who are signed in. */
const beside = 100

type Served = { application: Application; line: string; bodyOf(index: number): string; path: string }
type Flood = { signIns: number; others: number[]; wrong: number }
type Round = { foreign: number; hashes: number; gated: number; ours: Flood; theirs: Flood; quiet: number[] }

/** The hash alone, on the core where the servers are. */
async function openHashes(undo: Undo): Promise<(within: number, inFlight?: number) => Promise<number>> {
  const hash = await hashed()
  const child = fork(join(import.meta.dirname, 'load-process.ts'))
  undo.push(() => child.kill('SIGKILL'))
  return async (within, inFlight) => {
    pin(child.pid, 0)
    const asked = { kind: 'hash', hash, password, within, secret: '', issuer: '' }
    child.send({ id: 0, order: inFlight === undefined ? asked : { ...asked, inFlight } })
    const [reply] = (await once(child, 'message')) as [Reply]
    if ('error' in reply) throw new Error(reply.error)
    return (reply.outcome.done * 1000) / reply.outcome.within
  }
}

/** Sign-ins all the time, each as soon as the one before it on its connection is answered. */
async function flood(served: Served, within: number): Promise<Pick<Outcome, 'done' | 'wrong' | 'within'>> {
  const { application, path, bodyOf } = served
  const lines = await Promise.all(Array.from({ length: inFlight }, () => openLine(application.port)))
  let [done, wrong] = [0, 0]
  const began = performance.now()
  const headers = { 'content-type': 'application/json', origin: 'http://localhost:3000' }
  await Promise.all(
    lines.map(async (line, place) => {
      for (let index = place; performance.now() - began < within; index += inFlight) {
        const { status } = await line.ask({ method: 'POST', path, headers, body: bodyOf(index) })
        if (status === 200) done++
        else wrong++
      }
    }),
  )
  for (const line of lines) line.close()
  return { done, wrong, within: performance.now() - began }
}

/** So many a second, whatever the answers take: what is late is counted from when it was due. */
async function others(
  { application, line }: Served,
  within: number,
): Promise<{ values: number[]; wrong: number }> {
  const lines = await Promise.all(Array.from({ length: 8 }, () => openLine(application.port)))
  const [, name = '', value = ''] = /^([^:]+): (.*)$/.exec(line) ?? []
  const all = Math.round((beside * within) / 1000)
  const values: number[] = []
  let [next, wrong] = [0, 0]
  const began = performance.now()
  await Promise.all(
    lines.map(async (wire) => {
      for (let index = next++; index < all; index = next++) {
        const due = began + (index * 1000) / beside
        if (performance.now() < due) await settle(due - performance.now())
        const { status } = await wire.ask({ method: 'GET', path: '/me', headers: { [name]: value } })
        values.push(performance.now() - due)
        if (status !== 200) wrong++
      }
    }),
  )
  for (const wire of lines) wire.close()
  return { values, wrong }
}

async function both(served: Served, slot: number): Promise<Flood> {
  const [flooded, meanwhile] = await Promise.all([flood(served, slot), others(served, slot)])
  return {
    signIns: (flooded.done * 1000) / flooded.within,
    others: meanwhile.values,
    wrong: flooded.wrong + meanwhile.wrong,
  }
}

async function open(undo: Undo): Promise<{ ours: Served; theirs: Served }> {
  const stores = await openStores({})
  undo.push(stores.close)
  const database = await stores.database('ours')
  await makePostgres(database)
  const ours = await startOurs('node', 'counterfoil', { database })
  undo.push(ours.close)
  const theirs = await startPeer('better-auth', { variant: 'pg', url: await stores.database('theirs') })
  undo.push(theirs.close)
  const [mine = ''] = await ours.by('cookie', 1)
  const [other = ''] = await theirs.credentials(1)
  const own = (index: number) => JSON.stringify({ email: emailOf(1, index), password, carrier: 'token' })
  const same = JSON.stringify({ email: user.email, password })
  return {
    ours: { application: ours, line: mine, bodyOf: own, path: '/auth/sign-in' },
    theirs: { application: theirs, line: other, bodyOf: () => same, path: '/api/auth/sign-in/email' },
  }
}

async function measure({ plan, undo }: Asked<Plan>): Promise<Row[]> {
  const { ours, theirs } = await open(undo)
  const hashes = await openHashes(undo)
  const { slot, warm } = plan
  for (const served of [ours, theirs]) await both(served, warm)
  const rounds: Round[] = []
  for (let calm = 0; calm < plan.rounds && rounds.length < plan.attempts; ) {
    const before = lookAtLoad()
    const hashed = await hashes(slot, inFlight)
    const gated = await hashes(slot / 2)
    const alone = await flood(ours, slot)
    const found = {
      quiet: (await others(ours, slot / 2)).values,
      ours: await both(ours, slot),
      theirs: await both(theirs, slot),
    }
    const { foreign } = shareBetween(before, lookAtLoad())
    const signIns = (alone.done * 1000) / alone.within
    rounds.push({ foreign, gated, hashes: hashed, ...found, ours: { ...found.ours, signIns } })
    if (foreign <= mostForeign) calm++
    const [mine, other] = [found.ours, found.theirs].map((one) => quantile(one.others, 0.99).toFixed(1))
    say(
      `round ${rounds.length}: ${signIns.toFixed(1)}/s of ${hashed.toFixed(1)} hashes/s, Better Auth ${found.theirs.signIns.toFixed(1)}/s; p99 of others ${mine} and ${other} ms; others used ${foreign.toFixed(2)} cores`,
    )
  }
  return rowsOf(keepCalm(rounds, plan.rounds))
}

function rowsOf(rounds: readonly Round[]): Row[] {
  const rate = {
    question: `sign-ins in a second on one core, ${inFlight} in flight, PostgreSQL`,
    unit: '1/s',
  }
  const late = { question: `milliseconds of other requests meanwhile, ${beside} a second`, unit: 'ms' }
  const hashes = rounds.map((round) => round.hashes)
  const gated = rounds.map((round) => round.gated)
  const signIns = (which: 'ours' | 'theirs') => rounds.map((round) => round[which].signIns)
  const p99 = (which: 'ours' | 'theirs') => rounds.map((round) => quantile(round[which].others, 0.99))
  const quiet = rounds.map((round) => quantile(round.quiet, 0.99))
  const wrong = rounds.map(({ ours, theirs }) => ours.wrong + theirs.wrong)
  const least = (bound: number, text: string): Target => ({ of: 'ratio', least: bound, text })
  const most: Target = { of: 'ratio', most: 0.1, text: '<= 0.1 x Better Auth' }
  const none: Target = { of: 'median', most: 0, text: '0' }
  return [
    rowOf({ ...rate, candidate: `the hash alone, ${inFlight} in flight`, values: hashes }),
    rowOf({
      ...{ ...rate, candidate: `counterfoil / the hash alone, ${inFlight} in flight` },
      ...{ values: signIns('ours'), against: hashes, target: least(0.8, '>= 0.8 x the hash') },
    }),
    rowOf({ ...rate, candidate: 'the hash alone, one after the other', values: gated }),
    rowOf({
      ...{ ...rate, candidate: 'counterfoil / the hash alone, one after the other' },
      ...{ values: signIns('ours'), against: gated },
    }),
    rowOf({ ...rate, candidate: 'Better Auth (scrypt)', values: signIns('theirs') }),
    rowOf({
      ...{
        ...rate,
        candidate: 'counterfoil / Better Auth',
        values: signIns('ours'),
        against: signIns('theirs'),
      },
      target: least(4, '>= 4 x Better Auth'),
    }),
    rowOf({ ...late, candidate: 'counterfoil, nobody signs in, p99', values: quiet }),
    rowOf({
      ...{ ...late, candidate: 'counterfoil, p99', values: p99('ours'), against: p99('theirs') },
      target: most,
    }),
    rowOf({ ...late, candidate: 'Better Auth, p99', values: p99('theirs') }),
    rowOf({
      ...{ ...late, candidate: 'answers that were none', unit: 'answers', values: wrong },
      ...{ counted: Math.max(...wrong), target: none },
    }),
  ]
}

process.exitCode = await answer('sign-ins', plans, measure)
