import { ask } from './instance.ts'
import { count, type Known, type Shown, violate } from './ledger.ts'
import { settle } from './processes.ts'
import { endOthers, signIn, signUp } from './requests.ts'
import type { World } from './world.ts'

/** Of each node, unless it is told otherwise; nobody tells these. */
const poolOf = 10
/** Four times a pool: some hold it, some take their places, and whoever comes behind them has waited for too long. */
const askedAtOnce = 4 * poolOf

const waitingForRows = `select count(*)::int as waiting from pg_stat_activity
  where application_name = 'counterfoil' and wait_event_type = 'Lock'`

/** Somebody of whom the ledger knows nothing, so that everything else of theirs may end. What one session of two is shown by. */
export async function enterCrowded(world: World): Promise<Shown> {
  const { ledger, nodes, chance } = world
  const email = `crowded${chance.below(1e9)}@example.org`
  const [a, b, c] = nodes
  const answer = await signUp(ledger, [a.origin, b.origin, c.origin], email)
  const other = await signIn(ledger, a.origin, email)
  if (answer?.status !== 200 || other?.status !== 200)
    throw new Error('Nobody could sign up to crowd a pool.')
  return { carrier: 'token', value: String(answer.body.access_token) }
}

/**
 * While somebody holds the feed's head: ends of one account are not gathered, each is a transaction with a connection of its
 * own, which waits for the row of the account or for the head. A sign-in needs neither row: what refuses it is the pool.
 */
export async function fillPools(
  world: World,
  given: { crowded: Shown; kept: Known; scenario: string },
): Promise<void> {
  const { ledger, nodes, primary } = world
  const ends = nodes.flatMap(({ origin }) =>
    Array.from({ length: askedAtOnce }, () => endOthers(ledger, origin, given.crowded)),
  )
  await settle(200)
  const signIns = nodes.map(async ({ origin, index }) => {
    const answers = await Promise.all([1, 2, 3].map(() => signIn(ledger, origin, given.kept.email)))
    const refused = answers.filter((answer) => answer?.body.code === 'store_unavailable').length
    count(ledger, 'sign-ins refused by a full pool', refused)
    if (refused === 0) violate(ledger, `${given.scenario}: no sign-in at node ${index} met a full pool`)
  })
  let most = 0
  for (let look = 0; look < 12 && most < nodes.length * poolOf; look++) {
    const [busy] = await ask<{ waiting: number }>(primary, waitingForRows)
    most = Math.max(most, busy?.waiting ?? 0)
    await settle(100)
  }
  count(ledger, 'connections that waited at once in full pools', most)
  if (most < nodes.length * (poolOf - 1))
    violate(ledger, `${given.scenario}: only ${most} connections waited for a row`)
  await Promise.all(signIns)
  for (const answer of await Promise.all(ends)) {
    if (answer?.status === 503) count(ledger, 'ends refused by a full pool')
    else if (answer !== null && answer.status !== 204)
      violate(ledger, `${given.scenario}: ending others answered ${answer.status}`)
  }
}
