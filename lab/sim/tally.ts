/** Counts over one seed or many. Latencies are kept in bins of about 7 %. */
export type Tally = {
  seeds: number
  events: number
  probes: number
  accepts: number
  refusals: Record<string, number>
  revocations: number
  faults: Record<string, number>
  /** From the commit of an end until a verifier has applied it. */
  learning: Bins
  /** Of accepts after the commit of an end: how long after. */
  exposure: Bins
  /** Ends that a failover or a restore lost. */
  lost: number
  declared: number
  refreshes: number
  /** Of everything that was decided, and when: the same for the same seeds. */
  digest: number
  violations: Violation[]
}

export type Violation = { seed: number; rule: string; at: number; detail: string }

type Bins = { counts: number[]; total: number; max: number }

const binsPerDecade = 32
const decades = 8

export function createTally(): Tally {
  return {
    ...{ seeds: 0, events: 0, probes: 0, accepts: 0, refusals: {}, revocations: 0, faults: {} },
    learning: createBins(),
    exposure: createBins(),
    ...{ lost: 0, declared: 0, refreshes: 0, digest: 0, violations: [] },
  }
}

const createBins = (): Bins => ({ counts: new Array(binsPerDecade * decades).fill(0), total: 0, max: 0 })

export function note(bins: Bins, milliseconds: number): void {
  const bin = Math.floor(Math.log10(Math.max(milliseconds, 0.01) * 100) * binsPerDecade)
  const slot = Math.min(Math.max(bin, 0), bins.counts.length - 1)
  bins.counts[slot] = (bins.counts[slot] ?? 0) + 1
  bins.total++
  if (milliseconds > bins.max) bins.max = milliseconds
}

/** The upper edge of the bin that the quantile falls into; null where nothing was noted. */
export function quantile(bins: Bins, share: number): number | null {
  if (bins.total === 0) return null
  let left = Math.ceil(bins.total * share)
  for (const [slot, count] of bins.counts.entries()) {
    left -= count
    if (left <= 0) return Math.min(bins.max, 10 ** ((slot + 1) / binsPerDecade) / 100)
  }
  return bins.max
}

/** FNV-1a over what happened, and when. */
export function stamp(tally: Tally, value: number): void {
  tally.digest = Math.imul(tally.digest ^ Math.floor(value * 1000), 0x01000193) >>> 0
}

export function count(record: Record<string, number>, name: string, by = 1): void {
  record[name] = (record[name] ?? 0) + by
}

export function merge(into: Tally, one: Tally): void {
  for (const name of [
    'seeds',
    'events',
    'probes',
    'accepts',
    'revocations',
    'lost',
    'declared',
    'refreshes',
  ] as const) {
    into[name] += one[name]
  }
  for (const [name, value] of Object.entries(one.refusals)) count(into.refusals, name, value)
  for (const [name, value] of Object.entries(one.faults)) count(into.faults, name, value)
  for (const name of ['learning', 'exposure'] as const) {
    for (const [slot, value] of one[name].counts.entries()) {
      if (value > 0) into[name].counts[slot] = (into[name].counts[slot] ?? 0) + value
    }
    into[name].total += one[name].total
    into[name].max = Math.max(into[name].max, one[name].max)
  }
  into.digest = (into.digest ^ one.digest) >>> 0
  into.violations.push(...one.violations)
}

const rounded = (value: number | null) => (value === null ? null : Number(value.toPrecision(3)))

/** What is worth telling, as plain numbers. */
export function summaryOf(tally: Tally): Record<string, unknown> {
  const { learning, exposure, violations, ...counts } = tally
  const told = (bins: Bins) => ({
    count: bins.total,
    p50: rounded(quantile(bins, 0.5)),
    p99: rounded(quantile(bins, 0.99)),
    max: rounded(bins.max),
  })
  return {
    ...counts,
    learning_milliseconds: told(learning),
    exposure_milliseconds: told(exposure),
    violations: violations.length,
  }
}
