/** A world so small that everything that can happen in it can be tried. */
export type Explorable<World> = {
  begin(): World
  /** What can happen next. */
  actions(world: World): string[]
  act(world: World, action: string): void
  /** Two worlds with the same name have the same future. */
  name(world: World): string
  /** What must not be, or null. */
  wrong(world: World): string | null
}

export type Explored = {
  states: number
  steps: number
  /** The shortest way to something wrong. */
  counterExample: { path: string[]; wrong: string } | null
}

type Visit = { action: string; before: Visit | null; depth: number }

function pathOf(visit: Visit): string[] {
  const path: string[] = []
  for (let at: Visit | null = visit; at !== null && at.before !== null; at = at.before) path.push(at.action)
  return path.reverse()
}

/**
 * Breadth first over all orders of all actions. A state is reached by doing its path once more: the functions that are
 * tried change what they are given, and nothing here has to know how to copy it.
 */
export function explore<World>(given: Explorable<World>): Explored {
  const { begin, actions, act, name, wrong } = given
  const seen = new Set<string>([name(begin())])
  const queue: Visit[] = [{ action: '', before: null, depth: 0 }]
  let steps = 0
  for (let at = 0; at < queue.length; at++) {
    const visit = queue[at]
    if (visit === undefined) break
    const path = pathOf(visit)
    const arrive = () => {
      const world = begin()
      for (const action of path) {
        act(world, action)
        wrong(world)
      }
      return world
    }
    for (const action of actions(arrive())) {
      const world = arrive()
      act(world, action)
      steps++
      const fault = wrong(world)
      if (fault !== null)
        return { states: seen.size, steps, counterExample: { path: [...path, action], wrong: fault } }
      const title = name(world)
      if (seen.has(title)) continue
      seen.add(title)
      queue.push({ action, before: visit, depth: visit.depth + 1 })
    }
  }
  return { states: seen.size, steps, counterExample: null }
}
