import assert from 'node:assert/strict'
import { sql } from 'kysely'
import type { Adopt } from '../contract.ts'
import { assets } from '../http/assets.ts'
import type { Route } from '../http/index.ts'
import type { Agent } from './agent.ts'
import type { OpenTestDatabase } from './engines.ts'
import { giveGrant, type Worker, workerAt } from './grants.ts'
import { goodPassword, openHouse, otherPassword, type TestHouse } from './house.ts'

/**
 * Everybody that a route may meet: somebody signed in, a link from each kind of mail, a second session. Walks
 * through the real table use it, so a new route is judged the day it is added.
 */
export type Stage = {
  home: TestHouse
  browser: Agent
  email: string
  otherSession: string
  verifyToken: string
  resetToken: string
  /** Somebody's job, and what it has been given once. */
  worker: Worker
  grant: string
  /** An address on which somebody is asked for one. */
  asked: string
}

const movedEmail = 'moved@example.org'

/** Whoever asks is signed in to the system before: nothing but the guard is in the way. */
const adopt: Adopt = () => ({
  email: movedEmail,
  credential: 'of the system before',
  expiresAt: 4_000_000_000,
})

export type StageOptions = { verifiedEmail?: 'required' | 'optional'; issuer?: string }

export async function stageIn(open: OpenTestDatabase, options: StageOptions = {}): Promise<Stage> {
  const { verifiedEmail = 'required', ...rest } = options
  // Each route has people of its own, and all of them come from one network.
  const policy = { verifiedEmail, signUpsPerNetwork: 1000 }
  const home = await openHouse(open, { policy, adopt, ...rest })
  await home.house.accounts.create(home.db, { email: movedEmail, isVerified: true })
  return anotherCast(home, 'first')
}

/** The same people once more, under names of their own, for a route that uses something up. */
export async function anotherCast(home: TestHouse, name: string): Promise<Stage> {
  const email = `ada.${name.toLowerCase()}@example.org`
  const isRequired = home.house.policy.verifiedEmail === 'required'
  const browser = isRequired ? (await home.member(email)).browser : home.browser()
  if (!isRequired) await browser.post('/auth/sign-up', { email, password: goodPassword })
  assert.ok(browser.cookies.has('__Host-Http-session'))
  const { session } = await home.tokens(email)
  const grace = {
    email: `grace.${name.toLowerCase()}@example.org`,
    password: otherPassword,
    carrier: 'token',
  }
  await home.program().post('/auth/sign-up', grace)
  await home.program().post('/auth/password/forgot', { email })
  const verifyToken = await home.linkFor(grace.email, 'verify')
  const resetToken = await home.linkFor(email, 'reset')
  const worker = await workerAt(home)
  const grant = await giveGrant(browser, worker.terms())
  const asked = (await home.house.grants.request(worker.terms())).replace(/^.*=/, '')
  await home.house.chores.touches()
  return { home, browser, email, otherSession: session.id, verifyToken, resetToken, worker, grant, asked }
}

/** An address of the route that leads somewhere: the more a route could do there, the more a walk can catch. */
export function addressOf(
  { path }: Route,
  { otherSession, verifyToken, resetToken, grant, asked }: Stage,
): string {
  const parameters: Record<string, string> = {
    '/auth/sessions/:id': `/auth/sessions/${otherSession}`,
    '/auth/grants/:id': `/auth/grants/${grant}`,
    '/status/:list': '/status/7',
    '/assets/:name': [...assets.keys()][0] ?? '',
    '/verify': `/verify?token=${verifyToken}`,
    '/reset': `/reset?token=${resetToken}`,
    '/sign-in': '/sign-in?next=/account',
    '/grants/new': `/grants/new?request=${asked}`,
  }
  const address = parameters[path] ?? path
  assert.ok(!address.includes(':'), `${path} has a parameter: say here what a real one looks like`)
  return address
}

/** A body that each route takes, so that only the guard stands between it and its work. */
function bodyOf({ path }: Route, stage: Stage): Record<string, string | number> {
  const { email, otherSession: id, verifyToken, resetToken } = stage
  const credentials = { email, password: goodPassword }
  const change = { current: goodPassword, new: otherPassword }
  const bodies: Record<string, Record<string, string | number>> = {
    '/auth/sign-up': { email: `joan.${email}`, password: goodPassword },
    '/auth/verify-email': { token: verifyToken, password: otherPassword },
    '/auth/sign-in': credentials,
    '/auth/adopt': { carrier: 'cookie' },
    '/auth/reauthenticate': { password: goodPassword },
    '/auth/token': { audience: 'https://api.example' },
    '/auth/carrier': { carrier: 'token', password: goodPassword },
    '/auth/grants': stage.worker.terms(),
    '/auth/password/change': change,
    '/auth/password/forgot': { email: credentials.email },
    '/auth/password/reset': { token: resetToken, password: otherPassword },
    '/sign-up': { email: `joan.${email}`, password: goodPassword },
    '/verify': { token: verifyToken, password: otherPassword },
    '/sign-in': credentials,
    '/forgot': { email: credentials.email },
    '/reset': { token: resetToken, password: otherPassword },
    '/account/password': change,
    '/account/sessions/end': { id },
    '/grants/new': { request: stage.asked },
    '/account/grants/withdraw': { id: stage.grant },
    '/oauth/introspect': { token: 'x' },
    '/oauth/revoke': { token: 'x' },
    '/feed/ack': { verifier: 'AAAAAAAAAAAAAAAAAAAAAA', position: '0' },
    '/feed/statement': { cookie: 'x' },
    '/oauth/token': { grant_type: 'refresh_token', refresh_token: 'cfr_x' },
  }
  return bodies[path] ?? assert.fail(`${path} takes a body: say here what an honest one looks like`)
}

export function sentTo(route: Route, stage: Stage): { json?: object; form?: Record<string, string> } {
  if (!route.takesBody) return {}
  const body = bodyOf(route, stage)
  if (route.kind === 'api' || route.kind === 'service') return { json: body }
  const form = Object.fromEntries(Object.entries(body).map(([name, value]) => [name, String(value)]))
  return { form }
}

/** Every row of every table there is, whatever tables come to be. */
export async function contentsOf({ db, house }: TestHouse): Promise<string[]> {
  await house.chores.touches()
  await house.mail.flush()
  const tables = await db.introspection.getTables()
  const rows = tables.map(async ({ name }) => {
    const { rows: found } = await sql`select * from ${sql.table(name)}`.execute(db)
    return found.map((row) => `${name} ${JSON.stringify(row)}`)
  })
  return (await Promise.all(rows)).flat().sort()
}
