import type { Chance } from './chance.ts'
import { createChance } from './chance.ts'
import { createFamily, type Family, generationOf, type Rotation, refresh, rule } from './refresh-server.ts'
import { after, createTimeline, runUntil, schedule } from './timeline.ts'

export type RefreshOutcome = { refreshes: number; events: number; wrongs: string[] }

const stories = ['owner', 'owner', 'thief', 'thief in step', 'ended'] as const

/** Two sessions with rotating refresh tokens: one seed. */
export function simulateRefresh({ seed, rotation }: { seed: number; rotation: Rotation }): RefreshOutcome {
  const chance = createChance(seed + 0xf00d)
  const outcome: RefreshOutcome = { refreshes: 0, events: 0, wrongs: [] }
  for (let id = 0; id < 2; id++) {
    const line = createTimeline()
    const crashes = chance.is(0.5) ? chance.between(0, 0.1) : 0
    const { family, first } = createFamily({ id, line, chance, rotation, crashes })
    const story = chance.pick(stories)
    if (story === 'thief' || story === 'thief in step')
      share(family, { first, isInStep: story === 'thief in step' })
    else own(family, { first, isEnded: story === 'ended' })
    outcome.refreshes += family.refreshes
    outcome.events += line.events
    for (const wrong of family.wrongs) outcome.wrongs.push(`${story}: ${wrong}`)
  }
  return outcome
}

/** No request is on its way for longer than this, its retries included; within the window that repeats are allowed in. */
const longestFlight = 9000

type Holder = { token: string; heardAt: number }

/**
 * The holder's tabs have one storage; whoever is answered keeps what is newer. Nobody asks while what is there is fresh,
 * so a session is refreshed once while a request is on its way, never twice.
 */
function ask(
  family: Family,
  holder: Holder,
  given: { losses: number; slowest: number; since?: number },
): void {
  const { chance, line } = family
  if (given.since !== undefined && holder.heardAt >= given.since) return
  const text = holder.token
  let isAnswered = false
  const flight = () => (chance.is(0.8) ? chance.between(1, 60) : chance.between(0, given.slowest))
  const answer = (next: string | null) => {
    if (chance.is(given.losses) && family.row.repeats < rule.repeats - 3) return
    after(line, flight(), () => {
      isAnswered = true
      if (next !== null && generationOf(next) > generationOf(holder.token)) holder.token = next
      holder.heardAt = line.now
    })
  }
  after(line, flight(), () => refresh(family, { text, node: chance.below(2), answer }))
  after(line, 3000, () => {
    // Not answered: again, with whatever the storage holds by now, and over a network that is better.
    if (!isAnswered) ask(family, holder, { ...given, losses: 0, slowest: 100 })
  })
}

/** One person with up to three tabs, who loses answers and races with herself. */
function own(family: Family, { first, isEnded }: { first: string; isEnded: boolean }): void {
  const { chance, line } = family
  const holder: Holder = { token: first, heardAt: -1 }
  const rounds = 6
  const pause = chance.pick([10_000, 40_000])
  const endsAt = isEnded ? chance.between(0, rounds * pause) : Number.POSITIVE_INFINITY
  const signOut = () => {
    family.row.ended ??= 'signed out'
  }
  if (isEnded) schedule(line, endsAt, signOut)
  for (let round = 0; round < rounds; round++) {
    const start = round * (pause + longestFlight) + chance.between(0, 500)
    schedule(line, start, () => {
      const since = line.now
      const tabs = family.row.repeats === 0 ? 1 + chance.below(3) : 1
      for (let tab = 0; tab < tabs; tab++) {
        const delay = chance.is(0.6) ? chance.between(0, 10) : chance.between(0, 400)
        after(line, delay, () => ask(family, holder, { losses: tabs === 1 ? 0.3 : 0, slowest: 2000, since }))
      }
      forge(family, chance, holder.token)
    })
  }
  const end = rounds * (pause + longestFlight) + 30_000
  runUntil(line, end)
  const { ended } = family.row
  if (!isEnded && ended !== null) family.wrongs.push(`its owner alone was signed out: ${ended}`)
  if (isEnded && ended !== 'signed out') family.wrongs.push(`ended by ${ended} before its owner did it`)
  const before = family.row.generation
  ask(family, holder, { losses: 0, slowest: 100 })
  runUntil(line, end + 100)
  if (isEnded && family.row.generation !== before)
    family.wrongs.push('refreshed after the end of its session')
}

/** What nobody handed out: never believed, and never a reason to end anything. */
function forge(family: Family, chance: Chance, token: string): void {
  const at = 4 + chance.below(token.length - 4)
  const other = token[at] === 'A' ? 'B' : 'A'
  const forged = token.slice(0, at) + other + token.slice(at + 1)
  const { row } = family
  for (const text of [forged, token.slice(0, -1), `cfr_${'A'.repeat(92)}`, '']) {
    refresh(family, {
      text,
      node: 0,
      answer(next) {
        if (next !== null || family.row !== row) family.wrongs.push('a forged token did something')
      },
    })
  }
}

/** Owner and thief hold the same token, and neither gives up. */
function share(family: Family, { first, isInStep }: { first: string; isInStep: boolean }): void {
  const { chance, line } = family
  const owner: Holder = { token: first, heardAt: -1 }
  const thief: Holder = { token: first, heardAt: -1 }
  const begun = family.row.generation
  const play = (holder: Holder, at: number) =>
    schedule(line, at, () => ask(family, holder, { losses: 0, slowest: isInStep ? 60 : 800 }))
  const turns = 16
  let at = 0
  for (let turn = 0; turn < turns; turn++) {
    const first = chance.is(0.5) ? owner : thief
    if (isInStep) {
      play(first, at)
      play(first === owner ? thief : owner, at + chance.between(200, 5000))
      at += chance.between(6000, 40_000)
    } else {
      play(first, at)
      at += chance.is(0.7) ? chance.between(100, 12_000) : chance.between(0, 60_000)
    }
  }
  runUntil(line, at + 10_000)
  // Both are active: neither stops before it was heard once more.
  for (const [round, holder] of [owner, thief].entries()) {
    ask(family, holder, { losses: 0, slowest: 60 })
    runUntil(line, at + 25_000 + round * 15_000)
  }
  const generations = family.row.generation - begun
  if (generations > rule.repeats + 1 && family.row.ended === null)
    family.wrongs.push(`a thief was not found within ${generations} generations`)
}
