import { after } from 'node:test'
import { type House, wire } from '../auth.ts'
import type { Adopt } from '../contract.ts'
import { type OnStatement, openDatabase } from '../db/open.ts'
import type { Db } from '../db/schema.ts'
import type { Transport } from '../machine.ts'
import { parsePolicy } from '../policy.ts'
import { type Agent, createAgent } from './agent.ts'
import { holdingToContract } from './described.ts'
import type { OpenTestDatabase } from './engines.ts'
import { createTestMachine, type HandClock, type TestMachine } from './machine.ts'
import { handPrimary } from './primary.ts'

export const goodPassword = 'a long walk by the quiet river'
export const otherPassword = 'seven grey geese over the harbour'

export type TestHouse = {
  house: House
  db: Db
  machine: TestMachine
  issuer: string
  /** Every statement that reached the driver since the house was opened. */
  statements: string[]
  browser(): Agent
  program(): Agent
  /** The token of the newest mail to this address whose link leads to the page. */
  linkFor(email: string, page: 'verify' | 'reset'): Promise<string>
  /** An account with a proven mailbox, signed in by cookie in a browser of its own. */
  member(
    email?: string,
    password?: string,
  ): Promise<{ browser: Agent; email: string; password: string; accountId: string }>
  /** Signs in by token; the answer of `/auth/sign-in`. */
  tokens(email: string, password?: string): Promise<TokenAnswer>
  /** Another process on the same database, at the same time of day. */
  neighbour(): Promise<TestHouse>
  /** The database's clock is that many seconds behind ours. */
  skewClock(seconds: number): void
  /** From now on the database is out of reach. */
  loseDatabase(): Promise<void>
}

export type TokenAnswer = {
  access_token: string
  refresh_token: string
  account: { id: string; email: string }
  session: { id: string }
}

export type HouseOptions = {
  policy?: object
  issuer?: string
  transport?: Transport | null
  rootSecret?: Uint8Array
  hashingQueue?: number
  metricsToken?: string
  adopt?: Adopt
  clock?: HandClock
  /** Hears at once of what others write, as servers do; a test that counts statements must not. */
  hints?: boolean
}

/** A whole house on a real database, with time set by hand. */
export async function openHouse(open: OpenTestDatabase, options: HouseOptions = {}): Promise<TestHouse> {
  const statements: string[] = []
  const machine = await createTestMachine(options)
  // Hints come whenever they do, and are nobody's: only where a test is about them is one sent at all.
  const onStatement: OnStatement = (statement, sort) => {
    if (sort === 'hint') return
    statements.push(statement)
    machine.statements.note()
  }
  const opened = await open({ onStatement })
  const { db, url, close } = opened
  const issuer = options.issuer ?? 'http://localhost:3000'
  const policy = parsePolicy(options.policy)
  const transport = options.transport ?? null
  const metricsToken = options.metricsToken ?? null
  const hints = options.hints ? opened.primary.hints : null
  let skew = 0
  const theirs = { ...machine.clock, instant: () => ({ mono: 0, wall: machine.clock.instant().wall - skew }) }
  const primary = { ...handPrimary(theirs, opened.primary), hints }
  const wired = wire({
    db,
    primary,
    machine,
    policy,
    issuer,
    transport,
    metricsToken,
    adopt: options.adopt ?? null,
  })
  const house: House = { ...wired, fetch: holdingToContract(wired.fetch, wired.routes) }
  await house.keys.maintain()
  await house.feed.start()
  await house.chores.tick()
  const agent = (kind: 'browser' | 'program') => createAgent(house.fetch, { origin: issuer, kind })

  async function linkFor(email: string, page: 'verify' | 'reset'): Promise<string> {
    // A delivery that is on its way would drop an expired row behind the back of whoever moves the clock next.
    await house.mail.flush()
    const mails = await house.mail.mailbox()
    for (const mail of mails.filter(({ to }) => to === email)) {
      const found = new RegExp(`/${page}\\?token=([A-Za-z0-9_-]+)`).exec(mail.text)
      if (found?.[1] !== undefined) return found[1]
    }
    throw new Error(`no mail to ${email} leads to /${page}`)
  }

  return {
    house,
    db,
    machine,
    issuer,
    statements,
    linkFor,
    browser: () => agent('browser'),
    program: () => agent('program'),
    async member(email = 'ada@example.org', password = goodPassword) {
      const browser = agent('browser')
      await expectStatus(await browser.post('/auth/sign-up', { email, password }), 202)
      const token = await linkFor(email, 'verify')
      const verified = await expectStatus(await browser.post('/auth/verify-email', { token, password }), 200)
      const { account } = (await verified.json()) as TokenAnswer
      // What was kicked has ended: statements that come from now on are the test's own.
      await house.mail.flush()
      return { browser, email, password, accountId: account.id }
    },
    async tokens(email, password = goodPassword) {
      const answer = await agent('program').post('/auth/sign-in', { email, password, carrier: 'token' })
      return (await (await expectStatus(answer, 200)).json()) as TokenAnswer
    },
    skewClock(seconds) {
      skew = seconds * 1000
    },
    loseDatabase: close,
    neighbour: () => openHouse(openAgain(url), { ...options, clock: machine.clock }),
  }
}

function openAgain(url: string): OpenTestDatabase {
  return async (options) => {
    const database = await openDatabase(url, options)
    after(database.close)
    return { ...database, url }
  }
}

async function expectStatus(response: Response, status: number): Promise<Response> {
  if (response.status === status) return response
  throw new Error(`expected ${status}, got ${response.status}: ${await response.text()}`)
}
