import type { Caller } from './caller.ts'
import {
  callerOf,
  createChecker,
  type Entry,
  find,
  isFresh,
  recall,
  restartChecker,
  stands,
} from './checker.ts'
import { createCookieCheck } from './cookie-check.ts'
import { credentialOf, guardIncoming, type IncomingRequest, proofOf } from './incoming.ts'
import { createIssuer } from './issuer.ts'
import { createLimits, type RouteOptions } from './limit.ts'
import { createMachine, type LogLine, type Machine } from './machine.ts'
import { checkedIssuer } from './metadata.ts'
import { requireScheme } from './proof.ts'
import { createProofCheck } from './proof-check.ts'
import type { Client } from './requests.ts'
import { demand, type Requirements } from './required.ts'
import { type Soon, soon } from './soon.ts'
import { wallSeconds } from './steady.ts'
import { createTokenCheck } from './token-check.ts'
import { ageOf } from './view.ts'

export type VerifierOptions = {
  /** The server's bare origin, such as `https://auth.example`. */
  readonly issuer: string
  /** What tokens must have been made for. First-party tokens are made for the issuer itself. */
  readonly audience: string
  /** This service's own origin as browsers write it: what the guard compares with. */
  readonly origin: string
  /**
   * What a proxy in front takes off the path, such as `/api`: a DPoP proof names the address that its maker knows.
   * Default: nothing.
   */
  readonly pathPrefix?: string | undefined
  /** This service's credential at the server. Without one no revocation is seen, and cookies are not taken. */
  readonly client?: Client | undefined
  /** Other origins whose pages may act here with our cookie. Compared exactly. */
  readonly allowedOrigins?: readonly string[] | undefined
  /** Seconds: the longest that any route believes a caller without hearing of revocations. Default 20. */
  readonly maxStale?: number | undefined
  /** About how many callers of each carrier are remembered. Default 100,000. */
  readonly cacheEntries?: number | undefined
  /** How many DPoP proofs of the last minute and a half are remembered, so that none is taken twice. Default 200,000. */
  readonly proofEntries?: number | undefined
  /** Default: warnings and errors to the console. */
  readonly log?: ((line: LogLine) => void) | undefined
}

export type Verifier = {
  /**
   * Who sends this request: null if nobody that we know (no credential, or a cookie that is unknown or over). Guards
   * unsafe requests first; never sets a cookie. A `Refusal`: `forged_request`, `credential_invalid`,
   * `credential_ambiguous`, `token_expired`, `session_ended`, `grant_ended`, `feed_stale`; and for a token that is bound to a key, which
   * has to come with a DPoP proof for this very request, `proof_invalid` and `too_many_proofs`.
   */
  identify(request: IncomingRequest, route?: RouteOptions): Promise<Caller | null>
  /** The same, at once where the credential is known and later where it is not: `await` takes both. Throws or rejects. */
  check(request: IncomingRequest, route?: RouteOptions): Caller | null | Promise<Caller | null>
  /** The guard alone: refuses what may be forged (`forged_request`), and looks at no credential. */
  guard(request: IncomingRequest): void
  /**
   * This caller, if it is one and all that is required holds. A `Refusal`: `credential_missing`,
   * `reauthentication_required`, `insufficient_scope`, `presence_required`.
   */
  demand(caller: Caller | null, requirements?: Requirements): Caller
  /** What `identify` does, for a bare access token; one that is bound is refused, as no proof comes
   * with it. At once where nothing has to be waited for: `await` takes both. Throws or rejects. */
  verify(token: string, route?: RouteOptions): Caller | Promise<Caller>
  /** The same for the value of a session cookie, which nobody has guarded here. */
  verifyCookie(value: string, route?: RouteOptions): Caller | null | Promise<Caller | null>
  /** For operators. */
  status(): VerifierStatus
  /**
   * Ends the connection. With a client credential nobody is accepted from here on (`feed_stale`), and the server is told, so
   * that nobody there waits for this verifier. Resolves when it knows, or after two seconds. Never rejects.
   */
  close(): Promise<void>
}

export type VerifierStatus = {
  /** Which life of the server's database is followed; 0: none yet. */
  readonly epoch: number
  /** The position up to which every revocation is known. */
  readonly applied: number
  /** Milliseconds: every revocation that is older is known. Null: nothing can be said. */
  readonly age: number | null
  readonly connected: boolean
  /** Callers that are remembered, those that are over included. */
  readonly entries: number
}

/**
 * Finds the server, follows its feed and judges callers by it. Resolves once that works, and after a few seconds even
 * if it does not: then everything is refused (`feed_stale`) until the server is there.
 */
export async function createVerifier(options: VerifierOptions): Promise<Verifier> {
  return startVerifier(options, createMachine(options.log))
}

/** The same on a machine that is given. */
export async function startVerifier(options: VerifierOptions, machine: Machine): Promise<Verifier> {
  const {
    audience,
    origin,
    allowedOrigins = [],
    client = null,
    maxStale = 20,
    cacheEntries = 100_000,
    proofEntries = 200_000,
    pathPrefix = '',
  } = options
  const own = { origin, allowedOrigins }
  if (!/^(?:\/[\w.~-]+)*$/.test(pathPrefix))
    throw new RangeError('pathPrefix is a path such as /api, without a final slash')
  const limitOf = createLimits(maxStale)
  const checker = createChecker({ now: machine.now(), entries: cacheEntries })
  const issuer = createIssuer({ issuer: checkedIssuer(options.issuer), client, maxStale, checker, machine })
  const { keys } = issuer
  const ask = client === null ? null : issuer.askToken
  const tokenCheck = createTokenCheck({ checker, machine, keys, issuer: options.issuer, audience, ask })
  const proofs = createProofCheck({ entries: proofEntries })
  const checkCookie = createCookieCheck({ checker, machine, ask: issuer.askCookie })
  // Who hears of no revocation cannot say how old what it knows is.
  const trusted = (milliseconds: number) => (client === null ? Number.POSITIVE_INFINITY : milliseconds)
  let hasRefusedCookie = false

  function knownToken(token: string, route: RouteOptions | undefined): Soon<Entry> {
    const limit = limitOf(route)
    const entry = recall(checker, 'tokens', token)
    if (entry === null) return tokenCheck.first(token, limit)
    const now = machine.now()
    if (!stands(checker, 'tokens', entry, now)) return tokenCheck.first(token, limit)
    const isEnough = isFresh(checker.view, entry, now, trusted(limit.maxStale))
    return isEnough ? entry : tokenCheck.again(token, limit)
  }

  function asBearer(entry: Entry): Caller {
    requireScheme('bearer', entry.rights.confirmation)
    return callerOf(entry)
  }

  function verify(token: string, route?: RouteOptions): Soon<Caller> {
    return soon(knownToken(token, route), asBearer)
  }

  async function verifyBound(token: string, request: IncomingRequest, route?: RouteOptions): Promise<Caller> {
    const entry = await knownToken(token, route)
    const { confirmation } = entry.rights
    requireScheme('dpop', confirmation)
    const now = wallSeconds(checker.view.steady, machine.now())
    const { header, ...about } = proofOf(request, origin + pathPrefix)
    const proof = await proofs.check(header, { ...about, token, now, isOurNonce: null })
    proofs.use(proof, confirmation, now)
    return callerOf(entry)
  }

  function verifyCookie(value: string, route?: RouteOptions): Caller | null | Promise<Caller | null> {
    if (client === null) return refuseCookie()
    const limit = limitOf(route)
    const now = machine.now()
    const entry = find(checker, 'cookies', value, now)
    const isEnough = entry !== null && isFresh(checker.view, entry, now, limit.maxStale)
    return isEnough ? callerOf(entry) : checkCookie(value, limit)
  }

  function refuseCookie(): null {
    if (!hasRefusedCookie)
      machine.log({ level: 'error', message: 'a cookie came, and without a client credential none is taken' })
    hasRefusedCookie = true
    return null
  }

  function check(request: IncomingRequest, route?: RouteOptions): Caller | null | Promise<Caller | null> {
    guardIncoming(request, own)
    const credential = credentialOf(request)
    if (credential === null) return null
    if (credential.kind === 'cookie') return verifyCookie(credential.value, route)
    if (credential.kind === 'dpop') return verifyBound(credential.token, request, route)
    return verify(credential.token, route)
  }

  function close(): Promise<void> {
    // First: whoever waits for us may be answered as soon as the server hears of it.
    if (client !== null) restartChecker(checker, machine.now())
    return issuer.close()
  }

  if (client === null) {
    const message =
      'NO CLIENT CREDENTIAL: tokens are taken on their signature alone. Revocations cannot be seen, and no cookie is taken. Give `client: { id, secret }` to see them'
    machine.log({ level: 'warn', message })
  }
  await issuer.start()
  return {
    identify: async (request, route) => check(request, route),
    check,
    guard: (request) => guardIncoming(request, own),
    demand: (caller, requirements = {}) =>
      demand(caller, requirements, () => wallSeconds(checker.view.steady, machine.now())),
    verify,
    verifyCookie,
    close,
    status() {
      const { view, cookies, tokens } = checker
      const age = ageOf(view, machine.now())
      const { epoch, applied } = view
      const entries = cookies.size + tokens.size
      return {
        epoch,
        applied,
        age: Number.isFinite(age) ? age : null,
        connected: issuer.isConnected(),
        entries,
      }
    },
  }
}
