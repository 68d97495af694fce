import { checkAll, checkLastly } from './checks.ts'
import { becomeMember, dropExpired, enter, renewAll, startCrowd, warm } from './crowd.ts'
import { type Known, type Ledger, violate } from './ledger.ts'
import { settle } from './processes.ts'
import { signIn, signInByCookie } from './requests.ts'
import { always, last, type Scenario, scenarios } from './scenarios.ts'
import { startWatch } from './watch.ts'
import { openWorld, type World } from './world.ts'

type Given = {
  seed: number
  round: number
  isShort: boolean
  isAsynchronous: boolean
  only: string | null
  say: (line: string) => void
}

/** In short form nothing that may be left out begins later than this: how much fits depends on what else the machine does. */
const shortMilliseconds = 30_000

/** One world from its beginning to its end, with every fault in turn. */
export async function playRound(given: Given): Promise<Ledger> {
  const { seed, say, isAsynchronous } = given
  const world = await openWorld({ seed, say, isAsynchronous })
  try {
    await play(world, given)
  } catch (error) {
    violate(world.ledger, `the round broke: ${error instanceof Error ? error.stack : error}`)
  } finally {
    await world.close()
  }
  for (const { said, index } of world.nodes)
    for (const line of said().split('\n'))
      if (/a request broke|uncaught|unhandled/i.test(line))
        violate(world.ledger, `node ${index} says: ${line.slice(0, 400)}`)
  return world.ledger
}

async function play(world: World, { round, isShort, only, say }: Given): Promise<void> {
  const began = performance.now()
  const kept = await keep(world)
  for (let index = 0; index < 3; index++) await becomeMember(world, `first${index}@example.org`)
  const crowd = startCrowd(world, isShort ? 2 : 4)
  const stopWatch = startWatch(world, { kept, pace: isShort ? 3 : 1 })
  try {
    await settle(isShort ? 1000 : 3000)
    const all = isShort ? new Set([...always, ...scenarios]) : scenarios
    for (const scenario of all) if (isChosen(scenario)) await act(scenario)
    await crowd.pause()
    await checkLastly(world)
    crowd.resume()
    if (isChosen(last)) await act(last)
  } finally {
    await crowd.stop()
    await stopWatch()
  }

  function isChosen(scenario: Scenario): boolean {
    if (only !== null) return scenario.name.includes(only)
    const isLate = performance.now() - began > shortMilliseconds
    const isLeftOut = isShort && isLate && !always.includes(scenario)
    if (isLeftOut) say(`  left out, for time: ${scenario.name}`)
    return !isLeftOut
  }

  async function act(scenario: Scenario): Promise<void> {
    const began = performance.now()
    const before = world.ledger.violations.length
    await crowd.pause()
    dropExpired(world)
    await renewAll(world)
    crowd.resume()
    await scenario.play({ world, kept, isShort, round, crowd })
    await crowd.pause()
    dropExpired(world)
    if (scenario !== last) await checkAll(world, scenario.name)
    crowd.resume()
    const found = world.ledger.violations.slice(before)
    const recovered = world.ledger.recoveries.get(scenario.name)?.at(-1)
    const seconds = ((performance.now() - began) / 1000).toFixed(1)
    say(
      `  ${found.length === 0 ? 'ok    ' : 'FAILED'} ${scenario.name}: ${seconds} s, recovered in ${recovered} ms`,
    )
    for (const line of found) say(`    ${line}`)
  }
}

/** Sessions that nobody ends, and that every node holds in memory. */
async function keep(world: World): Promise<Known[]> {
  const email = 'kept@example.org'
  const first = await becomeMember(world, email)
  if (first === null) throw new Error('Nobody could sign up.')
  const kept = [first]
  const page = world.relay.origin
  for (const { origin } of world.nodes) {
    const answers = await Promise.all([
      signIn(world.ledger, origin, email),
      signInByCookie(world.ledger, origin, { email, page }),
    ])
    for (const answer of answers) {
      if (answer?.status !== 200) throw new Error(`signing in answered ${answer?.status}`)
      kept.push(enter(world, email, answer))
    }
  }
  for (const known of kept) await warm(world, known)
  return kept
}
