// The question: when somebody was told that a session has ended, how long does it go on being accepted elsewhere?
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { cutOffRows, measureCutOffs } from './cut-off.ts'
import { calmest, quantile, type Row, rowOf, type Target } from './figures.ts'
import { lookAtLoad, shareBetween } from './foreign-load.ts'
import { openHouse } from './house.ts'
import { conclude, describeMachine, say } from './report.ts'
import { type Ended, endOne, freshSessions, type Scene, serviceCount, settle } from './scene.ts'
import type { Shown } from './service-process.ts'
import { type Services, startServices } from './services.ts'

type Plan = { perRound: number; rounds: number; attempts: number; cutOffs: number }

const plans: Record<'full' | 'quick', Plan> = {
  full: { perRound: 48, rounds: 5, attempts: 9, cutOffs: 3 },
  quick: { perRound: 10, rounds: 2, attempts: 3, cutOffs: 1 },
}

/** Cores that others may use in a round that counts. */
const mostForeign = 0.25
/** How much of the machine is left alone, in cores, while requests flow. */
const idleCores = 1
/** What the endings themselves use, in the server, in all services and here: it comes on top of the flow. */
const endingCores = 0.35

/** Requests in each turn of each service, from which the load is chosen. */
const steps = [2, 4, 8, 12, 16, 24, 32, 48]
const calmAttempts = 3

type Round = { readonly foreign: number; readonly ours: number; readonly ended: readonly Ended[] }

/** One round: sessions that everybody knows, ended one after another while requests flow. */
async function measureRound(scene: Scene, perRound: number): Promise<Round> {
  const { house, services } = scene
  const sessions = await freshSessions(house, perRound)
  const { access_token: by } = await house.signIn()
  const others = await freshSessions(house, 20)
  const shown = [...sessions, ...others].map((session) => session.shown)
  await services.ask({ kind: 'warm', name: 'warm', shown })
  const before = lookAtLoad()
  const ended: Ended[] = []
  for (const [index, { sessionId, shown }] of sessions.entries()) {
    const end = () => house.end(sessionId, by)
    ended.push(await endOne(scene, { name: sessionId, shown, end, index }))
  }
  const share = shareBetween(before, lookAtLoad())
  for (const { sessionId } of others) await house.end(sessionId, by)
  return { ...share, ended }
}

/** So many requests in each turn that what we use leaves `idleCores` alone, the server and this process included. */
async function chooseLoad({ house, services }: Scene): Promise<{ perTurn: number; perSecond: number }> {
  const sessions = await freshSessions(house, 20)
  await services.ask({ kind: 'warm', name: 'warm', shown: sessions.map(({ shown }) => shown) })
  const wanted = Math.max(0.5, availableParallelism() - idleCores - endingCores)
  let chosen = await tryLoad(services, steps[0] ?? 1)
  for (const perTurn of steps.slice(1)) {
    const tried = await tryLoad(services, perTurn)
    // While others are busy, what we use says nothing about what we would use.
    if (tried.ours > wanted || tried.foreign > mostForeign) break
    chosen = tried
  }
  services.tell({ kind: 'load', perTurn: chosen.perTurn })
  return chosen
}

async function tryLoad(
  services: Services,
  perTurn: number,
): Promise<{ perTurn: number; ours: number; foreign: number; perSecond: number }> {
  services.tell({ kind: 'load', perTurn })
  for (let attempt = 1; ; attempt++) {
    await settle(300)
    const [before, checksBefore] = [lookAtLoad(), await checksOf(services)]
    await settle(1000)
    const [after, checksAfter] = [lookAtLoad(), await checksOf(services)]
    const { ours, foreign } = shareBetween(before, after)
    say(`load: ${perTurn} requests a turn use ${ours.toFixed(2)} cores, others ${foreign.toFixed(2)}`)
    const perSecond = (checksAfter - checksBefore) / (after.at - before.at)
    if (foreign <= mostForeign || attempt === calmAttempts) return { perTurn, ours, foreign, perSecond }
  }
}

async function checksOf(services: Services): Promise<number> {
  const found = await services.rest('count')
  return found.reduce((sum, { checks }) => sum + checks, 0)
}

async function measureRevocations(plan: Plan): Promise<{ rounds: Round[]; perSecond: number }> {
  const house = await openHouse({ ends: 0 })
  try {
    const { issuer, client } = house
    const services = await startServices(serviceCount, { kind: 'start', issuer, client, maxStale: 20 })
    try {
      const { perSecond } = await chooseLoad({ house, services })
      const rounds: Round[] = []
      for (let calm = 0; calm < plan.rounds && rounds.length < plan.attempts; ) {
        const round = await measureRound({ house, services }, plan.perRound)
        rounds.push(round)
        if (round.foreign <= mostForeign) calm++
        const last = round.ended.map((ended) => ended.last)
        const [middle, late] = [quantile(last, 0.5), quantile(last, 0.99)]
        const used = `${round.ours.toFixed(2)} cores ours, ${round.foreign.toFixed(2)} others`
        say(`round ${rounds.length}: p50 ${middle.toFixed(2)} ms, p99 ${late.toFixed(2)} ms; ${used}`)
      }
      return { rounds, perSecond }
    } finally {
      await services.close()
    }
  } finally {
    await house.close()
  }
}

function rowsOf(kept: readonly Round[], perSecond: number): Row[] {
  const ended = kept.flatMap((round) => round.ended)
  const last = ended.map((one) => one.last)
  const lastOf = (carrier: Shown['carrier']) =>
    ended.filter((one) => one.carrier === carrier).map((one) => one.last)
  const each = ended.flatMap((one) => one.each)
  const accepted = ended.map((one) => one.lastAccepted)
  const fromAsking = ended.map((one) => one.fromAsking)
  const cores = kept.map(({ ours }) => ours)
  const question = `milliseconds from the acknowledgement of an end to the refusal, ${serviceCount} services`
  const row = (
    candidate: string,
    values: readonly number[],
    more: { share?: number; target?: Target } = {},
  ) => {
    const { share = 0.5, target } = more
    const judged = target === undefined ? {} : { target }
    return rowOf({ question, candidate, unit: 'ms', values, counted: quantile(values, share), ...judged })
  }
  const most = (bound: number): Target => ({ of: 'median', most: bound, text: `<= ${bound} ms` })
  const load = { question: 'the load under which that was measured' }
  return [
    row('the last of all services, p50', last, { target: most(5) }),
    row('the last of all services, p99', last, { share: 0.99, target: most(25) }),
    row('the last of all services, tokens, p50', lastOf('token')),
    row('the last of all services, tokens, p99', lastOf('token'), { share: 0.99 }),
    row('the last of all services, cookies, p50', lastOf('cookie')),
    row('the last of all services, cookies, p99', lastOf('cookie'), { share: 0.99 }),
    row('accepted for the last time anywhere, p50', accepted),
    row('accepted for the last time anywhere, p99', accepted, { share: 0.99 }),
    row('each service, p50', each),
    row('each service, p99', each, { share: 0.99 }),
    row('the last of all services from the asking, p50', fromAsking),
    row('the last of all services from the asking, p99', fromAsking, { share: 0.99 }),
    rowOf({ ...load, candidate: 'requests checked in all services', unit: '1/s', values: [perSecond] }),
    rowOf({ ...load, candidate: `cores used, of ${availableParallelism()}`, unit: 'cores', values: cores }),
  ]
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { quick: { type: 'boolean' }, out: { type: 'string' } } })
  const plan = plans[values.quick === true ? 'quick' : 'full']
  say(describeMachine())
  const { rounds, perSecond } = await measureRevocations(plan)
  const { kept, dropped, isNoisy } = calmest(rounds, { most: mostForeign, least: Math.ceil(plan.rounds / 3) })
  say(
    `${kept.length} rounds count, ${dropped} were dropped since others used the machine${isNoisy ? '; NOISY' : ''}`,
  )
  const cutOffs = await measureCutOffs(plan.cutOffs)
  return conclude(
    [...rowsOf(kept, perSecond), ...cutOffRows(cutOffs)],
    values.out ?? '.cache/bench/revocation.json',
  )
}

process.exitCode = await main()
