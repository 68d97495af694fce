// The question: what does a check cost, beside the checks that others offer, in one run on one machine?
import { parseArgs } from 'node:util'
import type { Verifier } from '@counterfoil/verifier'
import { cachedPeer, names, peerNames, stringAlone, warmCookie, warmToken } from './candidates.ts'
import { calmest, type Row, rowOf, type Target } from './figures.ts'
import { type FirstChecks, startFirstChecks } from './first-checks.ts'
import { lookAtLoad, shareBetween } from './foreign-load.ts'
import { type House, openHouse } from './house.ts'
import { measureMemory } from './memory.ts'
import { loadPeers } from './peers.ts'
import { conclude, describeMachine, say } from './report.ts'
import { type Candidate, measureRound, type Round, ratesOf, type Turns, warmUp } from './rounds.ts'

type Plan = Turns & {
  tokens: number
  cookies: number
  rounds: number
  /** Rounds at most, if others keep disturbing. */
  attempts: number
  warmMilliseconds: number
  memoryEntries: number
}

const plans: Record<'full' | 'quick', Plan> = {
  full: {
    tokens: 1000,
    cookies: 900,
    rounds: 8,
    attempts: 11,
    turns: 16,
    slotMilliseconds: 16,
    warmMilliseconds: 1000,
    memoryEntries: 100_000,
  },
  quick: {
    tokens: 200,
    cookies: 60,
    rounds: 5,
    attempts: 8,
    turns: 6,
    slotMilliseconds: 16,
    warmMilliseconds: 500,
    memoryEntries: 20_000,
  },
}

/** Cores that others may use in a round that counts. */
const mostForeign = 0.15
const endsInView = 42_000
/** Tokens live for five minutes, and a round must not meet one that is over. */
const renewedAfter = 150_000

type Stage = { candidates: Candidate[]; builtAt: number }
type Given = { plan: Plan; quiet: House; busy: House; verifiers: Verifiers; firstChecks: FirstChecks }

async function build({ plan, quiet, busy, verifiers, firstChecks }: Given): Promise<Stage> {
  const warm = { milliseconds: plan.warmMilliseconds, slotMilliseconds: plan.slotMilliseconds }
  const builtAt = performance.now()
  const tokens = await quiet.tokens(plan.tokens)
  const otherTokens = await busy.tokens(plan.tokens)
  for (const token of tokens) await verifiers.warm.verify(token)
  for (const token of otherTokens) await verifiers.busy.verify(token)
  for (const value of verifiers.cookies) await verifiers.warm.verifyCookie(value)
  const { origin, issuer, client, member } = quiet
  const jwk = await keyOf(quiet, tokens)
  const candidates = [
    stringAlone(tokens),
    warmToken(names.warm, verifiers.warm, tokens),
    warmToken(names.busy, verifiers.busy, otherTokens),
    warmCookie(verifiers.warm, verifiers.cookies),
    cachedPeer(loadPeers(), { jwk, issuer, tokens }),
  ]
  await firstChecks.prepare({ origin, issuer, client, member, jwk, tokens, warm })
  await warmUp(candidates, warm)
  return { candidates, builtAt }
}

type Verifiers = { warm: Verifier; busy: Verifier; cookies: string[] }

/** The key that signed these tokens; a set shows the next one, too. */
async function keyOf({ origin }: House, [token = '']: readonly string[]): Promise<object> {
  const { keys } = (await (await fetch(`${origin}/.well-known/jwks.json`)).json()) as {
    keys: { kid: string }[]
  }
  const header = Buffer.from(token.split('.', 1)[0] ?? '', 'base64url').toString()
  const key = keys.find(({ kid }) => header.includes(kid))
  if (key === undefined) throw new Error('the server does not show its key')
  return key
}

async function measure(plan: Plan): Promise<Round[]> {
  const houses: House[] = []
  const open: Verifier[] = []
  const listen = async (house: House) => {
    const verifier = await house.verifier()
    open.push(verifier)
    return verifier
  }
  try {
    const quiet = await openHouse({ ends: 0 })
    houses.push(quiet)
    const busy = await openHouse({ ends: endsInView })
    houses.push(busy)
    const verifiers = {
      warm: await listen(quiet),
      busy: await listen(busy),
      cookies: await quiet.cookies(plan.cookies),
    }
    const { applied } = verifiers.busy.status()
    if (applied < endsInView) throw new Error(`the view holds ${applied} ends`)
    const firstChecks = startFirstChecks()
    try {
      const prepare = () => build({ plan, quiet, busy, verifiers, firstChecks })
      return await measureRounds({ plan, firstChecks, prepare })
    } finally {
      await firstChecks.close()
    }
  } finally {
    for (const verifier of open) await verifier.close()
    for (const house of houses) await house.close()
  }
}

async function measureRounds(given: {
  plan: Plan
  firstChecks: FirstChecks
  prepare: () => Promise<Stage>
}): Promise<Round[]> {
  const { plan, firstChecks, prepare } = given
  const rounds: Round[] = []
  let stage = await prepare()
  for (let calm = 0; calm < plan.rounds && rounds.length < plan.attempts; ) {
    if (performance.now() - stage.builtAt > renewedAfter) stage = await prepare()
    const before = lookAtLoad()
    const { rates } = await measureRound(stage.candidates, plan)
    const others = await firstChecks.round({ turns: plan.turns, slotMilliseconds: plan.slotMilliseconds })
    const { foreign } = shareBetween(before, lookAtLoad())
    const round = { foreign, rates: new Map([...rates, ...others]) }
    rounds.push(round)
    if (foreign <= mostForeign) calm++
    const warm = Math.round(round.rates.get(names.warm) ?? 0).toLocaleString('en')
    say(`round ${rounds.length}: warm ${warm}/s, others used ${foreign.toFixed(2)} cores`)
  }
  return rounds
}

const question = 'checks in a second of processor time'
const million: Target = { of: 'median', least: 1e6, text: '>= 1,000,000/s' }

function rowsOf(rounds: readonly Round[]): Row[] {
  const rates = (name: string) => ratesOf(rounds, name)
  const row = (candidate: string, more: { target?: Target; against?: string; question?: string } = {}) => {
    const { against, ...others } = more
    const compared = against === undefined ? {} : { against: rates(against) }
    return rowOf({ question, candidate, unit: '1/s', values: rates(candidate), ...compared, ...others })
  }
  const ratio = (least: number, other: string): Target => ({
    of: 'ratio',
    least,
    text: `>= ${least.toPrecision(2).replace(/\.0$/, '')} x ${other}`,
  })
  const added = rates(names.busy).map(
    (rate, index) => 1e9 / rate - 1e9 / (rates(names.warm)[index] ?? Number.NaN),
  )
  const nanoseconds: Target = { of: 'median', most: 60, text: '<= 60 ns' }
  return [
    row(names.string),
    row(names.warm, { target: million }),
    row(names.warm, { against: peerNames.cached, target: ratio(4, 'fast-jwt, cache hit') }),
    row(names.busy, { against: names.warm }),
    row(names.cookie, { target: million }),
    row(peerNames.cached),
    row(names.cold, { against: names.raw, target: ratio(0.85, 'crypto.verify alone') }),
    row(names.cold, { against: peerNames.jose, target: ratio(1, 'jose, one after another') }),
    row(names.bound, {
      against: names.raw,
      target: ratio(1 / 1.3, 'crypto.verify alone: <= 1.3 x its cost'),
    }),
    row(names.raw),
    row(peerNames.uncached),
    row(peerNames.jose),
    row(peerNames.together),
    row(peerNames.jsonWebToken),
    rowOf({
      question: 'what 42,000 ends in the view add to a warm check',
      ...{ candidate: names.busy, unit: 'ns', values: added, target: nanoseconds },
    }),
  ]
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { quick: { type: 'boolean' }, out: { type: 'string' } } })
  const plan = plans[values.quick === true ? 'quick' : 'full']
  say(describeMachine())
  say(`${plan.tokens} tokens of 12 claims, ES256; ${plan.cookies} cookies; a fresh string for every check`)
  const rounds = await measure(plan)
  const { kept, dropped, isNoisy } = calmest(rounds, { most: mostForeign, least: Math.ceil(plan.rounds / 3) })
  say(
    `${kept.length} rounds count, ${dropped} were dropped since others used the machine${isNoisy ? '; NOISY' : ''}`,
  )
  const rows = [...rowsOf(kept), ...(await measureMemory(plan.memoryEntries))]
  return conclude(rows, values.out ?? '.cache/bench/verify.json')
}

process.exitCode = await main()
