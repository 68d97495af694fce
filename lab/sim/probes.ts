import {
  type Carried,
  cookieRights,
  keysOf,
  type Rights,
  type Statement,
  type StatementKeys,
} from '@counterfoil/verifier'
import { secondsOf } from './clocks.ts'
import type { Database, Scope } from './database.ts'
import { identify } from './identify.ts'
import { revoke } from './revoking.ts'
import { schedule } from './timeline.ts'
import { type World, wait } from './world.ts'

/** One credential that is watched: who holds it, and all that can end it. */
export type Probe = {
  readonly carried: Carried
  readonly credential: string
  readonly session: string
  /** A statement about it, but for the times and the position of its reading. */
  readonly about: Omit<Statement, 'asOf' | 'readStart' | 'end'>
  readonly keys: StatementKeys
  /** What ends it for good, and what ends it where its session began before. */
  readonly own: readonly Scope[]
  readonly wide: readonly Scope[]
  /** A token is its own statement. */
  issued: Statement | null
}

type Person = { session: string; account: string; client: string; index: number }

const noRights: Rights = { ...cookieRights, carrier: 'bearer' }

function createProbe(
  person: Person,
  given: { carried: Carried; grant: string | null; keyId: string | null; number: number },
): Probe {
  const { session, account, client, index } = person
  const { carried, grant, keyId, number } = given
  const cookieId = carried === 'cookies' ? `${index}.${number}` : null
  const shown = { created_at: null, last_seen_at: null, device: null, carrier: null, current: true }
  const about = {
    account: { id: account, email: null },
    session: { id: session, ...shown },
    rights: carried === 'cookies' ? cookieRights : { ...noRights, grant },
    ...{ authenticatedAt: 0, clientId: client, cookieId, keyId },
  }
  const own: Scope[] = [`session:${session}`]
  if (cookieId !== null) own.push(`cookie:${cookieId}`)
  if (grant !== null) own.push(`grant:${grant}`)
  if (keyId !== null) own.push(`key:${keyId}`)
  const credential = `${carried} ${session} ${number}`.padStart(40, '.')
  const keys = keysOf({ ...about, asOf: 0, readStart: 0, end: 0 })
  return {
    carried,
    credential,
    session,
    about,
    keys,
    own,
    wide: [`account:${account}`, `client:${client}`, 'everyone:'],
    issued: null,
  }
}

/** Whether the database says that it lives. */
export function isAlive(db: Database, probe: Probe): boolean {
  const began = db.sessions.get(probe.session)
  if (began === undefined || probe.own.some((scope) => db.ended.has(scope))) return false
  const asOf = probe.issued?.asOf ?? Number.POSITIVE_INFINITY
  const line = Math.min(began, asOf)
  return probe.wide.every((scope) => (db.ended.get(scope) ?? 0) <= line)
}

export function statementAt(
  world: World,
  probe: Probe,
  given: { db: Database; startedAt: number },
): Statement {
  const { db, startedAt } = given
  const readStart = secondsOf(db.clocks, startedAt)
  return { ...probe.about, asOf: db.head, readStart, end: readStart + world.scene.lifeSeconds }
}

/** The reading of a slow database, or the answer of a slow network. */
export function slowness(world: World, most: number): number {
  const { chance } = world
  if (world.isHealed || chance.is(0.75)) return chance.between(0, 4)
  return chance.is(0.6) ? chance.between(0, 1500) : chance.between(0, most)
}

/** Signs somebody in; the position is the one of the reading that proved the password. */
function signIn(world: World, person: Person): void {
  const { db, line } = world
  db.sessions.set(person.session, db.head)
  db.sessionTimes.set(person.session, line.now)
  world.began.set(person.session, db.head)
}

type Issuing = { grant: string | null; number: number; keyId: string; issued: (probe: Probe) => void }

/** The first that was not taken back. */
const keyOfNow = ({ db }: World) =>
  `key ${[...db.ended.keys()].filter((scope) => scope.startsWith('key:')).length}`

function issue(world: World, person: Person, given: Issuing): void {
  const { db, line } = world
  const { keyId } = given
  const probe = createProbe(person, { carried: 'tokens', keyId, grant: given.grant, number: given.number })
  const startedAt = line.now
  wait(world, world.chance.is(0.9) ? world.chance.between(0, 3) : world.chance.between(0, 2000), () => {
    if (world.db !== db || world.databaseStalledUntil > line.now || !isAlive(db, probe)) return
    const issued = statementAt(world, probe, { db, startedAt })
    wait(world, slowness(world, 50_000), () => {
      const late = secondsOf(db.clocks, line.now)
      probe.issued =
        world.core.countsFrom === 'read'
          ? issued
          : { ...issued, readStart: late, end: late + world.scene.lifeSeconds }
      given.issued(probe)
    })
  })
}

const otherKinds = ['cookie', 'account', 'account', 'client', 'grant', 'key', 'everyone', 'changed'] as const

/** What is ended: mostly the session itself, sometimes more than one thing at once. */
function endsOf(world: World, { session, account, client, index }: Person): Scope[] {
  const { chance, line } = world
  if (chance.is(0.5)) return [`session:${session}`]
  const kind = chance.pick(otherKinds)
  if (kind === 'cookie') return [`cookie:${index}.0`]
  if (kind === 'grant') return [`grant:${index}`]
  if (kind === 'account' || kind === 'changed') return [`${kind}:${account}`]
  if (kind === 'client' && chance.is(0.4)) return [`client:${client}`]
  if (kind === 'everyone' && chance.is(0.2)) return ['everyone:']
  if (kind === 'key' && chance.is(0.4) && line.now > 10_000) return [`key:${keyOfNow(world)}`]
  return [`session:${session}`, `account:${account}`]
}

/** One session's life: signed in, used everywhere, mostly ended, and tried ever after. */
export function planSession(world: World, index: number): void {
  const { chance, line, scene } = world
  const person = { session: `s${index}`, account: `a${index >> 1}`, client: `c${index % 3}`, index }
  const begunAt = chance.between(0, scene.healAt - 15_000)
  const endedAt = begunAt + chance.pick([chance.between(200, 2000), chance.between(2000, 12_000)])
  const isEnded = index < scene.revocations
  schedule(line, begunAt, () => {
    signIn(world, person)
    const cookie = createProbe(person, { carried: 'cookies', grant: null, keyId: null, number: 0 })
    use(world, cookie, { endedAt, from: line.now })
  })
  for (const number of [1, 2]) {
    // Best shortly before the end, where a reading and an end can pass each other.
    const at = chance.is(0.7) ? endedAt - chance.between(0, 300) : chance.between(begunAt, endedAt)
    const grant = number === 2 && chance.is(0.5) ? String(index) : null
    schedule(line, Math.max(at, begunAt + 1), () =>
      issue(world, person, {
        grant,
        number,
        keyId: keyOfNow(world),
        issued: (probe) => use(world, probe, { endedAt, from: line.now }),
      }),
    )
  }
  if (isEnded) schedule(line, endedAt, () => revoke(world, endsOf(world, person)))
}

/** Shows it to verifiers, mostly at the moments at which a mistake would show. */
function use(world: World, probe: Probe, { endedAt, from }: { endedAt: number; from: number }): void {
  const { chance, line, scene } = world
  const life = scene.lifeSeconds * 1000
  const forgotten = endedAt + world.core.keeps(scene.lifeSeconds) * 1000
  const moments = [
    () => endedAt + chance.between(-300, 20),
    () => endedAt + chance.between(0, 400),
    () => endedAt + chance.between(0, 4000),
    () => endedAt + chance.between(2800, 3300),
    () => endedAt + chance.between(3000, 12_000),
    () => from + life - chance.between(-1000, 3000),
    () => forgotten + chance.between(-1000, 14_000),
    () => chance.between(from, forgotten),
  ]
  for (const moment of moments) {
    const rounds = 1 + chance.below(2)
    for (let round = 0; round < rounds; round++) {
      const at = Math.max(moment(), from + chance.between(0, 50))
      if (at > scene.endAt) continue
      const verifier = chance.pick(world.verifiers)
      const maxStale = chance.pick([3000, 3000, 10_000, Number.POSITIVE_INFINITY])
      schedule(line, at, () => identify(world, verifier, { probe, maxStale }))
    }
  }
}

/** Somebody who signs in after everything is well again, and is taken everywhere. */
export function planNewcomer(world: World): void {
  const { line, scene } = world
  const person = { session: 'newcomer', account: 'newcomer', client: 'c0', index: 1000 }
  schedule(line, scene.endAt - 6000, () => {
    signIn(world, person)
    // A key that was taken back in a part that a restore lost is never believed again: operators make a new one.
    issue(world, person, {
      grant: null,
      number: 1,
      keyId: 'new',
      issued: (probe) => void world.probes.push(probe),
    })
  })
}

/** Ends of sessions that nobody watches. */
export function planStorm(world: World): void {
  const { chance, line, scene } = world
  if (scene.storm === 0) return
  const at = chance.between(2000, scene.healAt - 10_000)
  for (let done = 0, index = 0; done < scene.storm; index++) {
    const size = chance.is(0.8) ? 1 : 1 + chance.below(20)
    const scopes = Array.from({ length: size }, (_, one): Scope => `session:other ${(done + one) % 400}`)
    schedule(line, at + index * chance.between(0, 5), () => revoke(world, scopes))
    done += size
  }
}
