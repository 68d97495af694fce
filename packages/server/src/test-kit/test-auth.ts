import { sql } from 'kysely'
import { parseEmail } from '../accounts/index.ts'
import { type House, wire } from '../auth.ts'
import type { Adopt, Auth } from '../contract.ts'
import { migrate } from '../db/migrate.ts'
import { openDatabase } from '../db/open.ts'
import { transact } from '../db/transact.ts'
import type { Letter } from '../machine.ts'
import { parseIssuer } from '../options.ts'
import { parsePolicy } from '../policy.ts'
import { type HandClock, handClock } from './hand-clock.ts'
import { createQuickMachine } from './quick-machine.ts'
import { createVisitor, type Visitor } from './visitor.ts'

export type TestAuthOptions = {
  /** Default `http://localhost:3000`. An https issuer needs no mail here: letters are captured. */
  issuer?: string
  /** See docs/policy.md. Unknown keys are an error. */
  policy?: object
  /** As for `createAuth`: who is signed in to the system that is moved from. */
  adopt?: Adopt
  /** Where the clock stands at first, in seconds since 1970. Default 1800000000. */
  now?: number
}

/** What `createAuth` gives, and what a test wants besides. */
export type TestAuth = Auth & {
  readonly issuer: string
  /** Stands still until it is moved. Nothing else in the server knows what time it is. */
  readonly clock: HandClock
  /**
   * Somebody with this address, signed in: the account is made if it is not there, its mailbox counts as proven, and no
   * password is asked for. Each call is a new session. Throws where the account is disabled.
   */
  loginAs(email: string, given?: { carrier?: 'cookie' | 'token' }): Promise<Visitor>
  /** All mail that would have left, newest first. */
  letters(): Promise<Letter[]>
  /** Where the newest mail to this address leads: its link, whose `token` is the only parameter. */
  linkFor(email: string): Promise<URL>
  /** Disables the account, as an operator does, and ends all that it had begun. */
  disable(email: string): Promise<void>
}

/**
 * The whole server, for tests of an application: on a database in memory, with time set by hand, passwords that cost
 * nothing to hash, and mail that is kept. It takes milliseconds, runs no timers and keeps no process alive. Everything
 * else is the real thing, guard and checks included.
 */
export async function createTestAuth(options: TestAuthOptions = {}): Promise<TestAuth> {
  const { issuer = 'http://localhost:3000' } = options
  parseIssuer(issuer)
  const clock = handClock(options.now)
  const machine = createQuickMachine(clock)
  const policy = parsePolicy(options.policy)
  const { db, primary, close } = await openDatabase('sqlite::memory:')
  await migrate(db)
  // The database is of the same time as everything else.
  const wall = () => sql<number>`cast(${clock.instant().wall} as bigint)`
  const parts = { db, primary: { ...primary, wall }, machine, policy, issuer }
  const house = wire({ ...parts, transport: null, metricsToken: null, adopt: options.adopt ?? null })
  await house.keys.maintain()
  await house.feed.start()
  await house.chores.tick()

  async function accountOf(email: string): Promise<{ id: string; email: string }> {
    const found = await house.accounts.findByEmail(db, email)
    if (found !== null && found.state !== 'active') throw new Error(`${email} is disabled`)
    const account = found ?? (await house.accounts.create(db, { email, isVerified: true }))
    if (account === null) throw new Error(`${email} came to be meanwhile`)
    return { id: account.id, email: account.email }
  }

  async function loginAs(
    email: string,
    { carrier = 'cookie' }: { carrier?: 'cookie' | 'token' } = {},
  ): Promise<Visitor> {
    const account = await accountOf(parseEmail(email))
    const began = await transact(db, async (tx) => {
      const beginning = { accountId: account.id, carrier, began: await house.feed.position(tx) }
      const about = { device: '', amr: 'pwd', network: null, replaces: null, draws: true }
      const started = await house.sessions.begin(tx, { ...beginning, ...about })
      if (started.endings.length > 0) await house.feed.append(tx, started.endings)
      return started
    })
    const handed = await house.carriers.handOut({ sessionId: began.id, carrier, drawn: began.drawn })
    const carried =
      handed.tokens === null
        ? { kind: 'cookie' as const, cookie: (handed.cookie ?? '').split(';', 1).join('') }
        : { kind: 'bearer' as const, token: handed.tokens.access_token }
    const end = async () => void (await house.sessions.endAny(began.id, 'operator'))
    return createVisitor({ issuer, account, session: { id: began.id }, carried, end })
  }

  async function letters(): Promise<Letter[]> {
    await house.mail.flush()
    return house.mail.mailbox()
  }

  return {
    ...outerSideOf(house),
    issuer,
    clock,
    loginAs,
    letters,
    async linkFor(email) {
      const sent = (await letters()).filter(({ to }) => to === email)
      const link = sent.map(({ text }) => /https?:\/\/\S+\?token=[\w-]+/.exec(text)?.[0]).find(Boolean)
      if (link === undefined)
        throw new Error(`No mail to ${email} has a link; there are ${sent.length} to it.`)
      return new URL(link)
    },
    async disable(email) {
      const account = await house.accounts.findByEmail(db, parseEmail(email))
      if (account === null) throw new Error(`There is no account with ${email}.`)
      await house.accounts.disable(account.id)
    },
    async close() {
      house.feed.hub.stop()
      house.mail.stop()
      await close()
    },
  }
}

/** What an application is given; the rooms stay inside. */
function outerSideOf(house: House): Omit<Auth, 'close'> {
  const { fetch, adopt, serves, identify, check, guard, demand, retire } = house
  const { request } = house.grants
  return {
    ...{ fetch, adopt, serves, identify, check, guard, demand, retire },
    ...{ grants: { request }, drain: house.feed.hub.stop },
  }
}
