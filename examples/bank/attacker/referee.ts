import type { Journal, Sighting } from '../journal.ts'
import { centsOf, money } from '../ledger.ts'
import { type Forgery, forgeries, loot, type Target, targets } from './forgeries.ts'

/** A bank as the referee sees it: from behind, never through the attacker's page. */
export type Watched = { journal: Journal; balance(): number }

export type Finding = {
  verdict: 'held' | 'fell' | 'waiting'
  before: string
  after: string
  words: string
}

type Shot = {
  forgery: Forgery
  at: number
  marks: Record<Target, number>
  before: Record<Target, number>
  looted: Set<Target>
}

export type Referee = {
  /** Remembers how things stand. The number of this attempt. */
  begin(forgeryId: string): { number: number; forgery: Forgery } | null
  /** The attacker holds something that only the bank or its customer should have. */
  loot(number: number, target: Target): void
  judge(number: number): Record<Target, Finding> | null
  balances(): Record<Target, string>
  /** There is not enough left to steal at one of them: a forgery that is not covered would prove nothing. */
  isBroke(): boolean
}

/** How long a request may take to arrive: opening a window takes its time. */
const patienceMilliseconds = 8000
/** How long after a request the attacker may still get something out of it. */
const graceMilliseconds = 900
const kept = 200

export function createReferee(banks: Record<Target, Watched>): Referee {
  const shots = new Map<number, Shot>()
  let last = 0

  const each = <Value>(of: (target: Target) => Value) =>
    Object.fromEntries(targets.map((target) => [target, of(target)])) as Record<Target, Value>

  function judgeOne(shot: Shot, target: Target): Finding {
    const { forgery, at } = shot
    const [before, now] = [shot.before[target], banks[target].balance()]
    const noticed = banks[target].journal
      .since(shot.marks[target])
      .filter(({ path }) => path === forgery.path[target])
    const seen = noticed.filter(({ method }) => method !== 'OPTIONS')
    const isLost = hasFallen(shot, target, { seen, isPoorer: now < before })
    const overAt = (noticed.at(-1)?.seenAt ?? at + patienceMilliseconds) + graceMilliseconds
    const isOver = !isLost && performance.now() > overAt
    // What it lost is seen a moment before how it answered; both are to be told.
    const isAnswered = seen.at(-1)?.status !== 0
    return {
      verdict: isLost && isAnswered ? 'fell' : isOver ? 'held' : 'waiting',
      before: money(before),
      after: money(now),
      words: wordsFor(seen.at(-1)),
    }
  }

  return {
    begin(forgeryId) {
      const forgery = forgeries.find(({ id }) => id === forgeryId)
      if (forgery === undefined) return null
      const number = ++last
      const marks = each((target) => banks[target].journal.mark())
      const before = each((target) => banks[target].balance())
      shots.set(number, { forgery, at: performance.now(), marks, before, looted: new Set() })
      shots.delete(number - kept)
      return { number, forgery }
    },
    loot: (number, target) => shots.get(number)?.looted.add(target),
    judge(number) {
      const shot = shots.get(number)
      return shot === undefined ? null : each((target) => judgeOne(shot, target))
    },
    balances: () => each((target) => money(banks[target].balance())),
    isBroke: () => targets.some((target) => banks[target].balance() < (centsOf(loot) ?? 0)),
  }
}

function hasFallen(
  { forgery: { stake }, looted }: Shot,
  target: Target,
  { seen, isPoorer }: { seen: readonly Sighting[]; isPoorer: boolean },
): boolean {
  if (stake === 'money') return isPoorer
  if (stake === 'secret') return looted.has(target)
  return seen.some(({ status }) => status > 0 && status < 400)
}

/** What the bank saw, in a sentence. */
function wordsFor(seen: Sighting | undefined): string {
  if (seen === undefined) return 'No request arrived: the browser asked first, and was not told yes.'
  const { method, path, cookie, site, origin, status } = seen
  const from = [site, origin === null ? null : `from ${origin}`].filter((said) => said !== null).join(', ')
  return `${method} ${path}, ${from || 'from no browser'}, ${cookie ? 'with' : 'without'} the bank’s cookie: answered ${status}.`
}
