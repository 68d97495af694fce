import { count, hold, isRenewable, type Known, type Renewable, type Shown, violate } from './ledger.ts'
import type { Node } from './nodes.ts'
import { settle } from './processes.ts'
import { type Answer, endSession, look, refresh, signIn, signInByCookie, signUp } from './requests.ts'
import { isAccepted, type World } from './world.ts'

/** People who sign up, sign in, refresh and end sessions, at all nodes at once. */
export type Crowd = {
  /** Comes back when nothing is under way any more. */
  pause(): Promise<void>
  resume(): void
  stop(): Promise<void>
}

const liveAtMost = 60

export function startCrowd(world: World, people: number): Crowd {
  let isOver = false
  let isPaused = false
  let busy = 0

  async function repeat(act: () => Promise<void>): Promise<void> {
    while (!isOver) {
      if (isPaused) {
        await settle(20)
        continue
      }
      busy++
      await act().catch((error) => violate(world.ledger, `the crowd broke: ${error?.stack}`))
      busy--
    }
  }

  let named = 0
  const join = async () => {
    await settle(1000)
    await becomeMember(world, `person${++named}@example.org`)
  }
  const loops = [repeat(join), ...Array.from({ length: people }, () => repeat(() => live(world)))]
  return {
    async pause() {
      isPaused = true
      while (busy > 0) await settle(20)
    },
    resume() {
      isPaused = false
    },
    async stop() {
      isOver = true
      await Promise.all(loops)
    },
  }
}

export async function becomeMember(world: World, email: string): Promise<Known | null> {
  const { ledger } = world
  const [a, b, c] = world.nodes.map(({ origin }) => origin)
  const turned = [a, b, c].sort(() => world.chance.next() - 0.5) as [string, string, string]
  const answer = await signUp(ledger, turned, email)
  if (answer?.status !== 200) return null
  ledger.members.add(email)
  count(ledger, 'acknowledged sign-ups')
  return enter(world, email, answer)
}

export function enter(world: World, email: string, answer: NonNullable<Answer>): Known {
  const body = answer.body as { access_token: string; refresh_token?: string; session: { id: string } }
  const { cookie } = answer
  const shown: Shown =
    cookie === null
      ? { carrier: 'token', value: body.access_token }
      : { carrier: 'cookie', value: cookie, origin: world.relay.origin }
  const known: Known = {
    id: body.session.id,
    email,
    shown,
    shownAt: cookie === null ? answer.sentAt : Number.POSITIVE_INFINITY,
    refresh: body.refresh_token ?? null,
    replaced: [],
    state: 'live',
    endedAt: Number.POSITIVE_INFINITY,
    unansweredAt: null,
    isChecked: false,
  }
  world.ledger.sessions.set(known.id, known)
  return known
}

/** One small life: in, seen by everybody, refreshed perhaps, and out perhaps. */
async function live(world: World): Promise<void> {
  const { ledger, chance, nodes } = world
  const node = chance.pick(nodes)
  const email = chance.pick([...ledger.members])
  const byCookie = chance.is(0.4)
  const page = world.relay.origin
  const answer = byCookie
    ? await signInByCookie(ledger, node.origin, { email, page })
    : await signIn(ledger, node.origin, email)
  if (answer?.status !== 200) {
    if (answer !== null) expect(world, 'sign-in', answer, [429, 503])
    return settle(100)
  }
  count(ledger, 'acknowledged sign-ins')
  if (byCookie) count(ledger, 'of these by cookie')
  const known = enter(world, email, answer)
  await warm(world, known)
  if (isRenewable(known) && chance.is(0.4)) await renew(world, known)
  if (chance.is(0.7)) await end(world, known, chance.pick(nodes))
  const old = hold(ledger, 'live').filter((other) => !other.email.startsWith('kept'))
  if (old.length > liveAtMost) await end(world, chance.pick(old), chance.pick(nodes))
}

/** Everybody has seen it and holds it in memory: an end has to reach them all. */
export async function warm(world: World, known: Known): Promise<void> {
  const { ledger, nodes } = world
  const looks = nodes.map(({ origin }) => look(ledger, origin, { shown: known.shown, within: 2000 }))
  await Promise.all([...looks, isAccepted(world, known.shown)])
}

export async function end(world: World, known: Known, node: Node): Promise<void> {
  const { ledger } = world
  if (known.state !== 'live') return
  known.state = 'unknown'
  const answer = await endSession(ledger, node.origin, { shown: known.shown, id: known.id })
  if (answer === null || answer.status === 503) return
  expect(world, `ending ${known.id}`, answer, [204])
  if (answer.status !== 204) return
  known.endedAt = answer.at
  known.state = 'ended'
  count(ledger, 'acknowledged ends')
}

/** At one node, or with the same token at two at once: then both have to hand out the same successor. */
async function renew(world: World, known: Renewable): Promise<void> {
  const { ledger, chance, nodes } = world
  const places = chance.is(0.5) ? [chance.pick(nodes), chance.pick(nodes)] : [chance.pick(nodes)]
  const answers = await Promise.all(places.map(({ origin }) => refresh(ledger, origin, known.refresh)))
  const successors = new Set<string>()
  for (const answer of answers) {
    if (answer === null || answer.status === 503) known.unansweredAt = performance.now()
    // Somebody else may have ended it meanwhile.
    else if (answer.status !== 200 && known.state === 'live')
      expect(world, `refreshing ${known.id}`, answer, [200])
    else if (answer.status === 200) successors.add(String(answer.body.refresh_token))
  }
  succeed(world, known, successors)
}

const renewedAfter = 60_000
/** Access tokens live for five minutes, and a round on a busy machine takes longer: what is too old says nothing any more. Cookies stay. */
const expiredAfter = 280_000

/** Before the next fault: whoever lives has an access token that outlasts it. The crowd is to be still. */
export async function renewAll(world: World): Promise<void> {
  const { ledger, chance, nodes } = world
  const isOld = ({ shownAt, unansweredAt }: Known) =>
    unansweredAt === null && performance.now() - shownAt > renewedAfter
  for (const known of hold(ledger, 'live').filter(isRenewable).filter(isOld)) {
    const answer = await refresh(ledger, chance.pick(nodes).origin, known.refresh)
    if (answer?.status !== 200) {
      violate(ledger, `refreshing ${known.id} between two faults answered ${answer?.status}`)
      continue
    }
    succeed(world, known, new Set([String(answer.body.refresh_token)]))
    known.shown = { carrier: 'token', value: String(answer.body.access_token) }
    known.shownAt = answer.sentAt
    await warm(world, known)
  }
}

/** Nothing is asked any more with tokens that have expired. */
export function dropExpired({ ledger }: World): void {
  for (const state of ['live', 'ended', 'unknown'] as const)
    for (const known of hold(ledger, state))
      if (performance.now() - known.shownAt > expiredAfter) {
        known.state = 'gone'
        count(ledger, `access tokens that expired: ${state}`)
      }
}

export function succeed(world: World, known: Renewable, successors: ReadonlySet<string>): void {
  const { ledger } = world
  if (successors.size > 1) violate(ledger, `${known.id} has two live refresh tokens`)
  const [next] = successors
  if (next === undefined) return
  count(ledger, 'acknowledged refreshes')
  known.replaced.push(known.refresh)
  known.refresh = next
  known.unansweredAt = null
}

function expect(world: World, what: string, { status, body }: NonNullable<Answer>, wanted: number[]): void {
  if (wanted.includes(status)) count(world.ledger, `${what.split(' ', 1)[0]} ${status}`)
  else if (status !== 500)
    violate(world.ledger, `${what} answered ${status}: ${JSON.stringify(body).slice(0, 200)}`)
}
