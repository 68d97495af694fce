import {
  createChecker,
  credentialOf,
  demand,
  guardIncoming,
  proofOf,
  sentHeader,
} from '@counterfoil/verifier'
import { sql } from 'kysely'
import { type Accounts, createAccounts } from './accounts/index.ts'
import { adoptionRoutes, asAdoption, createAdoptions } from './adoptions/index.ts'
import { type Carriers, carrierRoutes, createCarriers, stalenessFor } from './carriers/index.ts'
import { type Clients, createClients } from './clients/index.ts'
import type { Adopt, Auth } from './contract.ts'
import type { Primary } from './db/primary.ts'
import type { Db } from './db/schema.ts'
import { createEvents } from './events.ts'
import { createFeed, type Feed, feedRoutes, readListeners } from './feed/index.ts'
import {
  createExchanges,
  createGrants,
  type Grants,
  grantPages,
  grantRoutes,
  showGrants,
} from './grants/index.ts'
import {
  createHandler,
  createMetrics,
  forwardRoutes,
  openapiRoute,
  pathsOf,
  type Route,
  readGauges,
  serviceRoutes,
} from './http/index.ts'
import { createLimits } from './limits/index.ts'
import type { Machine, Statements, Transport } from './machine.ts'
import { createMail, type Mail, mailboxRoutes } from './mail/index.ts'
import { createGrantTypes, createIntrospection, createRevoke, oauthRoutes } from './oauth/index.ts'
import { parseIssuer } from './options.ts'
import {
  accountPages,
  createPasswords,
  type Passwords,
  passwordPages,
  passwordRoutes,
} from './passwords/index.ts'
import type { Policy } from './policy.ts'
import { createSessions, type Sessions, sessionPages, sessionRoutes, showAccount } from './sessions/index.ts'
import {
  createClientTokens,
  createDelegations,
  createIssuedTokens,
  createKeys,
  createProofs,
  createStatusLists,
  createTokens,
  type Keys,
  keyRoutes,
  statusRoutes,
} from './tokens/index.ts'
import { version } from './version.ts'

/** Everything wired: what the server, the command line and the tests stand on. */
export type House = Omit<Auth, 'close' | 'drain' | 'grants'> & {
  readonly routes: readonly Route[]
  readonly policy: Policy
  readonly accounts: Accounts
  readonly sessions: Sessions
  readonly carriers: Carriers
  readonly clients: Clients
  readonly grants: Grants
  readonly feed: Feed
  readonly keys: Keys
  readonly mail: Mail
  readonly importing: Passwords['importing']
  /** What is done now and then: batches, mail, keys, and forgetting. */
  readonly chores: Readonly<
    Record<'touches' | 'mail' | 'keys' | 'forget' | 'poll' | 'tick', () => Promise<void>>
  >
}

export type HouseParts = {
  db: Db
  primary: Primary
  machine: Machine
  policy: Policy
  issuer: string
  transport: Transport | null
  metricsToken: string | null
  adopt?: Adopt | null
}

/** How many credentials are kept of each kind, so that they need not be read again. */
const keptCredentials = 100_000

/** How many proofs of keys are remembered, so that none is taken twice. */
const keptProofs = 200_000

/** How many signed status lists are kept; each is 11 kB at most. */
const keptStatusLists = 256

/** How many of those that follow the feed /metrics names one by one, and how long after they fell silent. */
const listenersListed = 100
const listenerSeconds = 600

export function wire(parts: HouseParts): House {
  const { db, primary, machine, policy, issuer, transport, metricsToken, adopt = null } = parts
  const { clock, entropy, secrets, reserveSecrets, hasher, signing, compress, commonPasswords, log } = machine
  const { origin, isHttps, isLocal } = parseIssuer(issuer)
  const isDevelopment = isLocal && transport === null

  const metrics = createMetrics()
  const events = createEvents({ clock, entropy })
  const checker = createChecker({ now: clock.instant(), entries: keptCredentials })
  const feed = createFeed({ db, primary, clock, entropy, secrets, checker, log })
  const limits = createLimits({ db, primary, clock, secrets })
  const outbox = { db, clock, entropy, secrets, log, issuer, transport }
  const mail = createMail({ ...outbox, linkSeconds: policy.mailLinkSeconds })
  const accounts = createAccounts({ db, clock, entropy, feed, events })
  const clients = createClients({ db, clock, entropy, secrets, feed, events, issuer })
  const sessions = createSessions({
    ...{ db, primary, clock, entropy, secrets, feed, events, policy, accounts },
  })
  const keys = createKeys({
    ...{ db, clock, secrets, reserveSecrets, signing, feed, checker, events, policy },
  })
  const proofs = createProofs({ clock, secrets, checker, entries: keptProofs })
  const statusLists = createStatusLists({
    ...{ db, clock, entropy, compress, issuer, keys, feed, entries: keptStatusLists },
    audiences: policy.statusListAudiences,
  })
  const tokens = createTokens({
    ...{ db, clock, entropy, secrets, policy, issuer, keys, proofs, feed, sessions, statusLists, events },
  })
  const clientTokens = createClientTokens({ entropy, policy, issuer, keys, proofs, feed })
  const grants = createGrants({
    ...{ db, clock, entropy, secrets, feed, events, policy, issuer, accounts, clients, sessions },
  })
  const exchanges = createExchanges({
    ...{ db, clock, entropy, policy, issuer, keys, proofs, feed, events, limits, sessions },
  })
  const { findActing } = exchanges
  const issued = createIssuedTokens({
    ...{ clock, secrets, policy, issuer, keys, clients, sessions, findActing },
  })
  const delegations = createDelegations({
    ...{ db, entropy, policy, issuer, keys, proofs, feed, events, limits, issued },
  })
  const carriers = createCarriers({
    ...{ db, clock, entropy, secrets, feed, events, sessions, tokens, proofs, policy, checker, log },
    findActing,
    looked: metrics.looked,
  })
  const verbs = createPasswords({
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
    outlive: grants.outlive,
  })

  const adoptions =
    adopt === null
      ? null
      : createAdoptions({
          ...{ db, clock, secrets, policy, feed, events, limits, accounts, sessions, find: adopt },
        })
  const consent = { grants, clock, issuer, words: policy.scopes }
  const passwords = { ...verbs, signIn: metrics.countingSignIns(verbs.signIn) }

  // Services that follow the feed prove themselves by their header alone: they send no forms.
  const authenticate = (authorization: string | null) => clients.authenticate({ authorization })
  let isRetired = false
  const checkReady = async () => {
    if (isRetired) throw new Error('about to stop')
    await sql`select 1`.execute(db)
  }
  const listed = () => readListeners(db, { since: clock.now() - listenerSeconds, most: listenersListed })
  const readMetrics = async () => [
    ...metrics.families(),
    ...(await readGauges({ machine, checker, feed, readListeners: listed })),
  ]
  const routes: Route[] = [
    ...serviceRoutes({
      ...{ issuer, isLocal, isDevelopment, version, readMetrics, metricsToken, secrets, checkReady },
    }),
    openapiRoute({ routes: () => routes, issuer, version }),
    ...forwardRoutes(policy.forward !== null),
    ...sessionRoutes(sessions, feed),
    ...sessionPages(sessions),
    ...passwordRoutes(passwords, policy.verifiedEmail),
    ...passwordPages(passwords),
    ...(adoptions === null ? [] : adoptionRoutes(adoptions)),
    ...grantRoutes({ grants, feed, clock }),
    ...grantPages({ ...consent, reauthenticate: passwords.reauthenticate }),
    ...accountPages(passwords, showAccount({ sessions, clock, showGrants: showGrants(consent) })),
    ...oauthRoutes({
      ...{ clients, policy, issuer },
      grantTypes: createGrantTypes({ tokens, clientTokens, exchanges, delegations, policy, issuer }),
      introspection: createIntrospection({ clock, issuer, keys, feed, issued }),
      revoke: createRevoke({ clients, sessions, issued, limits }),
    }),
    ...keyRoutes(keys),
    ...statusRoutes(statusLists),
    ...feedRoutes(feed, authenticate),
    ...carrierRoutes({
      ...{ carriers, tokens, clock, audiences: policy.audiences, authenticate },
      provePassword: passwords.prove,
    }),
    ...(isDevelopment ? mailboxRoutes(mail) : []),
  ]
  const edge = { carriers, policy, origin, isHttps }
  const own = { origin, allowedOrigins: policy.origins }

  const check: Auth['check'] = (request, { isPassive, critical } = {}) => {
    guardIncoming(request, own)
    const credential = credentialOf(request)
    return carriers.check(credential, {
      isPassive: () => isPassive ?? sentHeader(request, 'counterfoil-passive') === '?1',
      // Looked for only where one is needed: every other request would pay for it.
      proof: credential?.kind === 'dpop' ? proofOf(request, origin) : null,
      maxStale: stalenessFor(critical === true ? 'POST' : (request.method ?? '')),
    })
  }

  const fetch = createHandler({ routes, edge, metrics, log, around: causeOf(machine.statements) })

  return {
    routes,
    policy,
    accounts,
    sessions,
    carriers,
    clients,
    grants,
    feed,
    keys,
    mail,
    importing: verbs.importing,
    fetch,
    adopt: (request, { carrier = 'cookie', address = null } = {}) =>
      fetch(asAdoption(request, { issuer, carrier }), { address }),
    retire() {
      isRetired = true
    },
    serves: pathsOf(routes),
    check,
    guard: (request) => guardIncoming(request, own),
    identify: async (request, given) => check(request, given),
    demand: (caller, requirements = {}) => demand(caller, requirements, clock.now),
    chores: {
      poll: feed.poll,
      tick: feed.hub.tick,
      touches: sessions.flushTouches,
      mail: mail.flush,
      keys: keys.maintain,
      async forget() {
        const all = [
          sessions.prune(),
          passwords.prune(),
          limits.prune(),
          mail.prune(),
          feed.prune(),
          clients.prune(),
          grants.prune(),
          adoptions?.prune(),
          statusLists.prune(),
        ]
        const done = await Promise.allSettled([...all, events.prune(db, policy.eventSeconds)])
        // One that fails is told, after the others had their turn.
        for (const one of done) if (one.status === 'rejected') throw one.reason
      },
    },
  }
}

/** Routes that ask the database of themselves and not for anyone's request. */
function causeOf({ during }: Statements) {
  return (path: string) => {
    if (path.startsWith('/feed/')) return <Result>(work: () => Result) => during('feed', work)
    if (path === '/metrics') return <Result>(work: () => Result) => during('scrape', work)
    return null
  }
}
