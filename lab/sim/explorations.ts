import { production } from './core.ts'
import { type Explored, explore } from './explore.ts'
import { mutants } from './mutants.ts'
import { productionRotation, rotationMutants } from './refresh-server.ts'
import type { Tried } from './simulate.ts'
import { type Bounds, smallWorld } from './small-world.ts'

type Exploration = Partial<Tried> & { bounds: Bounds; expects: 'nothing' | 'a counter-example' }

/** One verifier through a whole life of a statement and the forgetting after it. */
export const aLife: Bounds = { verifiers: 1, ticks: 10, fills: 1, refreshes: 0, crashes: 0 }
/** Two nodes that refresh one session, and two verifiers to which all of it is shown. */
export const twoOfEach: Bounds = { verifiers: 2, ticks: 1, fills: 1, refreshes: 2, crashes: 1 }
const twoRefreshes: Bounds = { verifiers: 1, ticks: 2, fills: 0, refreshes: 2, crashes: 0 }

const mistake = (given: Partial<Tried>, bounds = aLife): Exploration => ({
  ...given,
  bounds,
  expects: 'a counter-example',
})
const shortened = mutants['short-retention'] ?? production

/** Mistakes that a world of one session can show. */
export const knownMistakes: Readonly<Record<string, Exploration>> = {
  'delete-only': mistake({ core: mutants['delete-only'] ?? production }),
  'expiry-from-storing': mistake({ core: mutants['expiry-from-storing'] ?? production }),
  'ends kept two steps too short': mistake({ core: { ...shortened, keeps: (life) => life - 20 } }),
  'refresh-without-cas': mistake(
    { rotation: rotationMutants['refresh-without-cas'] ?? productionRotation },
    twoRefreshes,
  ),
  'random-successor': mistake(
    { rotation: rotationMutants['random-successor'] ?? productionRotation },
    twoRefreshes,
  ),
}

export function run({
  core = production,
  rotation = productionRotation,
  bounds,
}: Omit<Exploration, 'expects'>): Explored {
  return explore(smallWorld({ core, rotation, bounds }))
}

const explorations: Readonly<Record<string, Exploration>> = {
  'a life': { bounds: { ...aLife, crashes: 1 }, expects: 'nothing' },
  'two refreshes': { bounds: { ...twoRefreshes, ticks: 4 }, expects: 'nothing' },
  'two of each': { bounds: twoOfEach, expects: 'nothing' },
  ...knownMistakes,
}

export function exploreAll(onEach: (name: string, result: Explored) => void) {
  const results: Record<string, Explored & { bounds: Bounds }> = {}
  let isAsExpected = true
  for (const [name, exploration] of Object.entries(explorations)) {
    const result = run(exploration)
    onEach(name, result)
    results[name] = { bounds: exploration.bounds, ...result }
    if ((result.counterExample === null) !== (exploration.expects === 'nothing')) isAsExpected = false
  }
  return { isAsExpected, results }
}
