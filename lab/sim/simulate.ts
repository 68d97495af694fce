import { createChance } from './chance.ts'
import { createClocks } from './clocks.ts'
import { type Core, production } from './core.ts'
import { createDatabase } from './database.ts'
import { planFaults } from './faults.ts'
import { createHubProcess, startHub } from './hub-process.ts'
import { checkHealed } from './judge.ts'
import { mutants } from './mutants.ts'
import { planNewcomer, planSession, planStorm } from './probes.ts'
import { simulateRefresh } from './refresh-life.ts'
import { productionRotation, type Rotation, rotationMutants } from './refresh-server.ts'
import { drawScene } from './scene.ts'
import { createTally, type Tally } from './tally.ts'
import { createTimeline, runUntil, schedule } from './timeline.ts'
import { createVerifierProcess, startVerifier } from './verifier-process.ts'
import type { World } from './world.ts'

export type Tried = { core: Core; rotation: Rotation }

export const asBuilt: Tried = { core: production, rotation: productionRotation }

/** What is tried under the name of a known mistake; null where there is none of that name. */
export function mutantCalled(name: string): Tried | null {
  const core = mutants[name]
  if (core !== undefined) return { ...asBuilt, core }
  const rotation = rotationMutants[name]
  return rotation === undefined ? null : { ...asBuilt, rotation }
}

export const mutantNames = [...Object.keys(mutants), ...Object.keys(rotationMutants)]

/** Both halves of one seed: the feed with all who listen to it, and three sessions with rotating tokens. */
export function trySeed({ core, rotation }: Tried, given: { seed: number; nodes: number | null }): Tally {
  const tally = simulate({ core, ...given })
  const { refreshes, events, wrongs } = simulateRefresh({ seed: given.seed, rotation })
  tally.refreshes = refreshes
  tally.events += events
  for (const wrong of wrongs)
    tally.violations.push({ seed: given.seed, rule: wrong, at: 0, detail: 'refresh' })
  return tally
}

/** One seed, from the first event to the last. The same seed does the same, event for event. */
export function simulate(given: { core: Core; seed: number; nodes: number | null }): Tally {
  const world = createWorld(given)
  const { scene, line, chance, tally } = world
  for (const hub of world.hubs) schedule(line, chance.between(0, 500), () => startHub(world, hub))
  for (const verifier of world.verifiers)
    schedule(line, chance.between(0, 3000), () => startVerifier(world, verifier))
  for (let index = 0; index < scene.sessions; index++) planSession(world, index)
  planStorm(world)
  planNewcomer(world)
  planFaults(world)
  runUntil(line, scene.endAt)
  checkHealed(world)
  tally.seeds = 1
  tally.events = line.events
  tally.declared = world.declared
  return tally
}

function createWorld({ core, seed, nodes }: { core: Core; seed: number; nodes: number | null }): World {
  const scene = drawScene(seed, nodes)
  const chance = createChance(seed + 0x5eed)
  const db = createDatabase(createClocks(chance, chance.between(-400, 400)), core.lives === 'apart')
  // Hubs keep the time of the database; verifiers are somewhere else.
  const clocks = (most: number) => createClocks(chance, chance.between(-most, most))
  const most = chance.pick([200, 5000, 28_000])
  return {
    ...{ core, scene, chance, line: createTimeline(), tally: createTally(), db, copies: [] },
    ...{ databaseStalledUntil: 0, truths: new Map(), began: new Map(), probes: [], isHealed: false },
    ...{ declared: 0, declaredAt: -1, losses: 0, lossList: [], links: 0, serial: 0 },
    hubs: Array.from({ length: scene.hubs }, (_, id) => createHubProcess(id, clocks(400), db)),
    verifiers: Array.from({ length: scene.verifiers }, (_, id) => createVerifierProcess(id, clocks(most))),
  }
}
