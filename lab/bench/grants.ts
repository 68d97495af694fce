// The question: when a user was told that a grant is withdrawn, how long does a job's token go on being accepted elsewhere?
import { parseArgs } from 'node:util'
import type { Client } from '@counterfoil/verifier'
import { basic, exchangeGrantType, grantTokenType } from 'counterfoil/house'
import { calmest, quantile, type Row, rowOf, type Target } from './figures.ts'
import { lookAtLoad, shareBetween } from './foreign-load.ts'
import { type House, openHouse } from './house.ts'
import { conclude, describeMachine, say } from './report.ts'
import { type Ended, endOne, freshSessions, type Scene, serviceCount } from './scene.ts'
import { startServices } from './services.ts'

type Plan = { perRound: number; rounds: number; attempts: number }

const plans: Record<'full' | 'quick', Plan> = {
  full: { perRound: 40, rounds: 10, attempts: 20 },
  quick: { perRound: 10, rounds: 2, attempts: 3 },
}

/** Cores that others may use in a round that counts. */
const mostForeign = 0.25
/** Requests of other callers in each millisecond's turn of each service. */
const perTurn = 2

type Round = { readonly foreign: number; readonly ours: number; readonly ended: readonly Ended[] }
type Grant = { readonly id: string; readonly token: string }

/** A grant that the member gives, and a token of it: not bound to a key, since what is measured is the end. */
async function giveAndExchange(house: House, worker: Client, by: string): Promise<Grant> {
  const given = await fetch(`${house.origin}/auth/grants`, {
    method: 'POST',
    headers: { authorization: `Bearer ${by}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      ...{ client_id: worker.id, scope: 'statement.read', audience: house.issuer, expires_in: 3600 },
      purpose: 'Write you a statement each month',
    }),
  })
  if (given.status !== 201) throw new Error(`no grant: ${given.status} ${await given.text()}`)
  const { id } = (await given.json()) as { id: string }
  const exchanged = await fetch(`${house.origin}/oauth/token`, {
    method: 'POST',
    headers: { authorization: basic(worker.id, worker.secret) },
    body: new URLSearchParams({
      ...{ grant_type: exchangeGrantType, subject_token: id, subject_token_type: grantTokenType },
    }),
  })
  if (exchanged.status !== 200) throw new Error(`no token: ${exchanged.status} ${await exchanged.text()}`)
  const { access_token: token } = (await exchanged.json()) as { access_token: string }
  return { id, token }
}

async function withdraw(house: House, id: string, by: string): Promise<void> {
  const headers = { authorization: `Bearer ${by}` }
  const answer = await fetch(`${house.origin}/auth/grants/${id}`, { method: 'DELETE', headers })
  if (answer.status !== 204) throw new Error(`not withdrawn: ${answer.status} ${await answer.text()}`)
}

/** One round: grants whose tokens everybody accepts, withdrawn one after another while requests flow. */
async function measureRound({ house, services }: Scene, worker: Client, count: number): Promise<Round> {
  const { access_token: by } = await house.signIn()
  const grants: Grant[] = []
  while (grants.length < count) grants.push(await giveAndExchange(house, worker, by))
  const others = await freshSessions(house, 20)
  const tokens = grants.map(({ token }) => ({ carrier: 'token', value: token }) as const)
  await services.ask({ kind: 'warm', name: 'warm', shown: [...tokens, ...others.map(({ shown }) => shown)] })
  const before = lookAtLoad()
  const ended: Ended[] = []
  for (const [index, { id, token }] of grants.entries()) {
    const shown = { carrier: 'token', value: token } as const
    ended.push(await endOne({ services }, { name: id, shown, end: () => withdraw(house, id, by), index }))
  }
  const share = shareBetween(before, lookAtLoad())
  for (const { sessionId } of others) await house.end(sessionId, by)
  return { ...share, ended }
}

async function measure(plan: Plan): Promise<Round[]> {
  const house = await openHouse({ ends: 0 })
  try {
    const { issuer, client } = house
    const worker = await house.addClient('statement.read')
    const services = await startServices(serviceCount, { kind: 'start', issuer, client, maxStale: 20 })
    try {
      services.tell({ kind: 'load', perTurn })
      const rounds: Round[] = []
      for (let calm = 0; calm < plan.rounds && rounds.length < plan.attempts; ) {
        const round = await measureRound({ house, services }, worker, plan.perRound)
        rounds.push(round)
        if (round.foreign <= mostForeign) calm++
        const last = round.ended.map((one) => one.last)
        const [middle, late] = [quantile(last, 0.5), quantile(last, 0.99)]
        const used = `${round.ours.toFixed(2)} cores ours, ${round.foreign.toFixed(2)} others`
        say(`round ${rounds.length}: p50 ${middle.toFixed(2)} ms, p99 ${late.toFixed(2)} ms; ${used}`)
      }
      return rounds
    } finally {
      await services.close()
    }
  } finally {
    await house.close()
  }
}

function rowsOf(kept: readonly Round[]): Row[] {
  const ended = kept.flatMap((round) => round.ended)
  const question = `milliseconds from the acknowledgement of a withdrawal to the refusal of the job's token, ${serviceCount} services`
  const row = (candidate: string, values: readonly number[], given: { share: number; target?: Target }) => {
    const { share, target } = given
    const judged = target === undefined ? {} : { target }
    return rowOf({ question, candidate, unit: 'ms', values, counted: quantile(values, share), ...judged })
  }
  const target: Target = { of: 'median', most: 50, text: '<= 50 ms' }
  const [last, each] = [ended.map((one) => one.last), ended.flatMap((one) => one.each)]
  return [
    row('each service, p50', each, { share: 0.5 }),
    row('each service, p99', each, { share: 0.99 }),
    row('the last of all services, p50', last, { share: 0.5 }),
    row('the last of all services, p99', last, { share: 0.99, target }),
  ]
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { quick: { type: 'boolean' }, out: { type: 'string' } } })
  const plan = plans[values.quick === true ? 'quick' : 'full']
  say(describeMachine())
  const rounds = await measure(plan)
  const { kept, dropped, isNoisy } = calmest(rounds, { most: mostForeign, least: Math.ceil(plan.rounds / 3) })
  const noise = isNoisy ? '; NOISY' : ''
  say(`${kept.length} rounds count, ${dropped} were dropped since others used the machine${noise}`)
  return conclude(rowsOf(kept), values.out ?? '.cache/bench/grants.json')
}

process.exitCode = await main()
