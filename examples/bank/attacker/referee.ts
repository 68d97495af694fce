import type { Journal, Sighting } from '../journal.ts'
import { centsOf, money } from '../ledger.ts'
import { type Forgery, forgeries, loot, type Target, targets } from './forgeries.ts'

/** A bank as the referee sees it: from behind, never through the attacker's page. */
export type Watched = {
  origin: string
  journal: Journal
  balance(): number
  /** What the attacker's payments have taken from it so far. */
  stolen(): number
  /** Whether the visitor is signed in there, as the one whose money it is. */
  isHere(by: 'cookie' | 'token'): Promise<boolean>
  /** The password that a forgery changed is again what the sign-in forms have filled in. */
  putPasswordsBack(): void
}

export type Finding = {
  /** `untested`: nobody is signed in whom it could have harmed, so that nothing happened proves nothing. */
  verdict: 'held' | 'fell' | 'untested' | 'waiting'
  before: string
  after: string
  words: string
}

type Shot = {
  forgery: Forgery
  at: number
  marks: Record<Target, number>
  before: Record<Target, number>
  stolen: Record<Target, number>
  isHere: Record<Target, boolean>
  looted: Set<Target>
}

export type Referee = {
  /** Remembers how things stand. The number of this attempt. */
  begin(forgeryId: string): Promise<{ number: number; forgery: Forgery } | null>
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
    const bank = banks[target]
    const noticed = bank.journal
      .since(shot.marks[target])
      .filter((sighting) => sighting.path === forgery.path[target] && !isOwn(sighting, bank))
    const seen = noticed.filter(({ method }) => method !== 'OPTIONS')
    const isLost = hasFallen(shot, target, { seen, isPoorer: bank.stolen() > shot.stolen[target] })
    const overAt = (noticed.at(-1)?.seenAt ?? at + patienceMilliseconds) + graceMilliseconds
    const isOver = !isLost && performance.now() > overAt
    // What it lost is seen a moment before how it answered; both are to be told.
    const isAnswered = seen.at(-1)?.status !== 0
    const verdict =
      isLost && isAnswered ? 'fell' : isOver ? (shot.isHere[target] ? 'held' : 'untested') : 'waiting'
    if (forgery.stake === 'password' && verdict !== 'waiting') bank.putPasswordsBack()
    return {
      verdict,
      before: money(before),
      after: money(now),
      words: wordsFor(seen.at(-1)),
    }
  }

  /** What the attacker does alone needs nobody to be signed in; everything else uses a visitor's browser. */
  async function presence({ shot, group }: Forgery): Promise<Record<Target, boolean>> {
    if (shot === null) return each(() => true)
    const [ours, textbook] = await Promise.all([
      banks.ours.isHere('cookie'),
      banks.textbook.isHere(group === 'token' ? 'token' : 'cookie'),
    ])
    return { ours, textbook }
  }

  return {
    async begin(forgeryId) {
      const forgery = forgeries.find(({ id }) => id === forgeryId)
      if (forgery === undefined) return null
      const number = ++last
      const marks = each((target) => banks[target].journal.mark())
      const isHere = await presence(forgery)
      const before = each((target) => banks[target].balance())
      const stolen = each((target) => banks[target].stolen())
      const at = performance.now()
      shots.set(number, { forgery, at, marks, before, stolen, isHere, looted: new Set() })
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

/** Sent by the bank's own pages, or typed: whatever another window does in the same seconds is no forgery. */
function isOwn({ site, origin }: Sighting, bank: Watched): boolean {
  return site === 'same-origin' || site === 'none' || origin === bank.origin
}

/** What the bank saw, in a sentence. */
function wordsFor(seen: Sighting | undefined): string {
  if (seen === undefined) return 'No request arrived: the browser asked first, and was not told yes.'
  const { method, path, cookie, site, origin, status } = seen
  const from = [site, origin === null ? null : `from ${origin}`].filter((said) => said !== null).join(', ')
  return `${method} ${path}, ${from || 'from no browser'}, ${cookie ? 'with' : 'without'} the bank’s cookie: answered ${status}.`
}
