import { type Chance, createChance } from './chance.ts'

/** What one seed is about. Durations in milliseconds unless they say otherwise. */
export type Scene = {
  seed: number
  hubs: number
  verifiers: number
  /** Longest life of a statement, in seconds. Scaled down, so that a whole life and the forgetting after it fit in. */
  lifeSeconds: number
  /** What a replica has when it is promoted: everything, or what is older than `lag`. */
  replication: 'sync' | 'async'
  lag: number
  /** One way, between any two machines. */
  latency: number
  /** Shares of messages that come twice, out of order, or break their connection. */
  repeats: number
  disorder: number
  breaks: number
  lostHints: number
  /** Share of the answers to requests that something between hands out from its memory. */
  cached: number
  /** Share of a hub's or node's steps after which it dies. */
  crashes: number
  /** Every message passes its written form. */
  isWritten: boolean
  /** A connection is replaced after this long. */
  renewAfter: number
  sessions: number
  revocations: number
  /** Revocations that come in one burst, or 0. */
  storm: number
  faults: Fault[]
  healAt: number
  endAt: number
}

export const faultKinds = [
  'hub_crash',
  'hub_pause',
  'hub_suspend',
  'hub_cut_from_database',
  'failover',
  'restore',
  'database_stall',
  'verifier_restart',
  'verifier_pause',
  'verifier_suspend',
  'verifier_cut_from_feed',
  'verifier_cut_off',
  'clock_step',
  'clock_wrong',
  'slow_proxy',
  'moved_by_proxy',
  'garbage',
] as const

export type Fault = {
  kind: (typeof faultKinds)[number]
  at: number
  target: number
  length: number
  size: number
}

const share = (chance: Chance, probability: number, most: number) =>
  chance.is(probability) ? chance.between(0, most) : 0

export function drawScene(seed: number, nodes: number | null): Scene {
  const chance = createChance(seed)
  const lifeSeconds = chance.pick([20, 20, 30])
  const healAt = 70_000
  const isCalm = chance.is(0.05)
  const weather = faultKinds.filter(() => chance.is(0.3))
  const count = isCalm || weather.length === 0 ? 0 : chance.below(10)
  const faults = Array.from({ length: count }, (): Fault => {
    const kind = chance.pick(weather)
    const length = chance.is(0.5) ? chance.between(100, 6000) : chance.between(3000, 45_000)
    const at = chance.between(3000, healAt - 5000)
    return { kind, at, target: chance.below(1 << 20), length, size: chance.between(-1, 1) }
  })
  return {
    seed,
    hubs: 1 + chance.below(4),
    verifiers: nodes ?? 2 + chance.below(4),
    lifeSeconds,
    replication: chance.is(0.5) ? 'sync' : 'async',
    lag: chance.between(0, 3000),
    latency: chance.pick([0.3, 1, 5, 40]),
    repeats: share(chance, isCalm ? 0 : 0.3, 0.2),
    disorder: share(chance, isCalm ? 0 : 0.3, 0.2),
    breaks: share(chance, isCalm ? 0 : 0.3, 0.03),
    lostHints: chance.pick([0, 0, 0.3, 1]),
    cached: share(chance, isCalm ? 0 : 0.3, 0.5),
    crashes: share(chance, isCalm ? 0 : 0.3, 0.003),
    isWritten: chance.is(0.1),
    renewAfter: chance.pick([15_000, 30_000, 600_000]),
    sessions: 12,
    revocations: 10,
    storm: chance.is(0.1) ? 20 + chance.below(300) : 0,
    faults: faults.sort((one, other) => one.at - other.at),
    healAt,
    endAt: 105_000,
  }
}
