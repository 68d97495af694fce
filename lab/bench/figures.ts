/** One line of the answer to one question. What a round gave is kept as its middle and its ends, never as its best. */
export type Row = {
  readonly question: string
  readonly candidate: string
  readonly unit: string
  /** How many rounds or single measurements count. */
  readonly rounds: number
  readonly median: number
  readonly low: number
  readonly high: number
  /** Of this candidate to the one that `target` names, taken round by round; null where nothing is compared. */
  readonly ratio: number | null
  /** In words; null for a row that is only there to be seen. */
  readonly target: string | null
  readonly held: boolean | null
}

/** What has to hold: of the median, or of the ratio. A bound that is met exactly holds. */
export type Target = { readonly of: 'median' | 'ratio'; readonly text: string } & (
  | { readonly least: number }
  | { readonly most: number }
)

/** The value below which `share` of them lie, between two neighbours in proportion. Not a number where there are none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other)
  const place = share * (sorted.length - 1)
  const below = sorted[Math.floor(place)] ?? Number.NaN
  const above = sorted[Math.ceil(place)] ?? Number.NaN
  return below + (above - below) * (place - Math.floor(place))
}

export const median = (values: readonly number[]) => quantile(values, 0.5)

/** Round by round, since what disturbs one candidate of a round disturbs the others as well. */
export function ratiosOf(ours: readonly number[], theirs: readonly number[]): number[] {
  if (ours.length !== theirs.length) throw new RangeError('both have to be of the same rounds')
  return ours.map((value, index) => value / (theirs[index] ?? Number.NaN))
}

/** What was never measured holds nothing. */
export function isHeld(target: Target, given: { median: number; ratio: number | null }): boolean {
  const value = given[target.of]
  if (value === null || Number.isNaN(value)) return false
  return 'least' in target ? value >= target.least : value <= target.most
}

export function rowOf(given: {
  question: string
  candidate: string
  unit: string
  values: readonly number[]
  /** The same rounds of what it is compared with. */
  against?: readonly number[]
  target?: Target
  /** In place of the median of `values`, such as a percentile. */
  counted?: number
}): Row {
  const { question, candidate, unit, values, against, target } = given
  const found = given.counted ?? median(values)
  const ratio = against === undefined ? null : median(ratiosOf(values, against))
  return {
    ...{ question, candidate, unit, rounds: values.length, median: rounded(found) },
    low: rounded(quantile(values, 0)),
    high: rounded(quantile(values, 1)),
    ratio: ratio === null ? null : rounded(ratio),
    target: target?.text ?? null,
    held: target === undefined ? null : isHeld(target, { median: found, ratio }),
  }
}

/** Four digits: no measurement here is good for more. */
function rounded(value: number): number {
  return Number.isFinite(value) ? Number(value.toPrecision(4)) : value
}

export function tallyOf(rows: readonly Row[]): { held: number; of: number } {
  const judged = rows.filter(({ held }) => held !== null)
  return { held: judged.filter(({ held }) => held === true).length, of: judged.length }
}

/** Rounds in which others took more than `most` of a core are not counted, but if there are too few, the calmest are. */
export function calmest<Round extends { readonly foreign: number }>(
  rounds: readonly Round[],
  { most, least }: { most: number; least: number },
): { kept: Round[]; dropped: number; isNoisy: boolean } {
  const calm = rounds.filter(({ foreign }) => foreign <= most)
  const isNoisy = calm.length < least
  const kept = isNoisy ? rounds.toSorted((one, other) => one.foreign - other.foreign).slice(0, least) : calm
  return { kept, dropped: rounds.length - kept.length, isNoisy }
}
