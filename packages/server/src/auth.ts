import { guard, readCredential } from '@counterfoil/verifier'
import { sql } from 'kysely'
import { type Accounts, createAccounts } from './accounts/index.ts'
import { type Carriers, createCarriers } from './carriers/index.ts'
import type { Auth } from './contract.ts'
import type { Db } from './db/schema.ts'
import { createEvents } from './events.ts'
import { createFeed } from './feed/index.ts'
import { createHandler, createMetrics, guardedRequest, type Route, serviceRoutes } from './http/index.ts'
import { createLimits } from './limits/index.ts'
import type { Machine, Transport } from './machine.ts'
import { createMail, type Mail, mailboxRoutes } from './mail/index.ts'
import { parseIssuer } from './options.ts'
import { accountPages, createPasswords, passwordPages, passwordRoutes } from './passwords/index.ts'
import type { Policy } from './policy.ts'
import { createSessions, type Sessions, sessionPages, sessionRoutes, showAccount } from './sessions/index.ts'
import { createKeys, createTokens, type Keys, tokenRoutes } from './tokens/index.ts'
import { version } from './version.ts'

/** Everything wired: what the server, the command line and the tests stand on. */
export type House = Omit<Auth, 'close'> & {
  readonly routes: readonly Route[]
  readonly policy: Policy
  readonly accounts: Accounts
  readonly sessions: Sessions
  readonly carriers: Carriers
  readonly keys: Keys
  readonly mail: Mail
  /** What is done now and then: batches, mail, keys, and forgetting. */
  readonly chores: Readonly<Record<'touches' | 'mail' | 'keys' | 'forget', () => Promise<void>>>
}

export type HouseParts = {
  db: Db
  machine: Machine
  policy: Policy
  issuer: string
  transport: Transport | null
  metricsToken: string | null
}

export function wire({ db, machine, policy, issuer, transport, metricsToken }: HouseParts): House {
  const { clock, entropy, secrets, reserveSecrets, hasher, signing, commonPasswords, log } = machine
  const { origin, isHttps, isLocal } = parseIssuer(issuer)
  const isDevelopment = isLocal && transport === null

  const events = createEvents({ clock, entropy })
  const feed = createFeed({ clock, secrets })
  const limits = createLimits({ db, clock, secrets })
  const mail = createMail({
    db,
    clock,
    entropy,
    secrets,
    log,
    issuer,
    linkSeconds: policy.mailLinkSeconds,
    transport,
  })
  const accounts = createAccounts({ db, clock, entropy, feed, events })
  const sessions = createSessions({ db, clock, entropy, feed, events, policy, accounts })
  const keys = createKeys({ db, clock, secrets, reserveSecrets, signing, feed, events, policy })
  const tokens = createTokens({ db, clock, entropy, secrets, policy, issuer, keys, feed, sessions, events })
  const carriers = createCarriers({ db, clock, entropy, secrets, feed, sessions, tokens })
  const passwords = createPasswords({
    db,
    clock,
    entropy,
    secrets,
    hasher,
    commonPasswords,
    policy,
    feed,
    events,
    mail,
    limits,
    accounts,
    sessions,
  })

  const metrics = createMetrics()
  const checkStore = async () => void (await sql`select 1`.execute(db))
  const routes = [
    ...serviceRoutes({ issuer, isLocal, isDevelopment, version, metrics, metricsToken, secrets, checkStore }),
    ...sessionRoutes(sessions),
    ...sessionPages(sessions),
    ...passwordRoutes(passwords, policy.verifiedEmail),
    ...passwordPages(passwords),
    ...accountPages(passwords, showAccount(sessions, clock)),
    ...tokenRoutes(tokens, keys),
    ...(isDevelopment ? mailboxRoutes(mail) : []),
  ]
  const edge = { carriers, policy, origin, isHttps }

  return {
    routes,
    policy,
    accounts,
    sessions,
    carriers,
    keys,
    mail,
    fetch: createHandler({ routes, edge, metrics, log }),
    async identify(request, { isPassive = false } = {}) {
      guard({ ...guardedRequest(request, { origin, allowedOrigins: policy.origins }), asksForCookie: false })
      const { headers } = request
      const credential = readCredential({
        authorization: headers.get('authorization'),
        cookie: headers.get('cookie'),
      })
      return carriers.identify(credential, { isPassive })
    },
    chores: {
      touches: sessions.flushTouches,
      mail: mail.flush,
      keys: keys.maintain,
      async forget() {
        const all = [sessions.prune(), passwords.prune(), limits.prune(), mail.prune()]
        const done = await Promise.allSettled([...all, events.prune(db, policy.eventSeconds)])
        // One that fails is told, after the others had their turn.
        for (const one of done) if (one.status === 'rejected') throw one.reason
      },
    },
  }
}
