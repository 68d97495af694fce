import type { Caller, IncomingRequest, Requirements } from '@counterfoil/verifier'
import type { Transport } from './machine.ts'

/**
 * What goes into `createAuth` and what comes out, and nothing else: whoever type-checks an application reads
 * this file and not the house behind it.
 */
export type AuthOptions = {
  /** The origin under which browsers and clients reach this server: https, or http on localhost and *.localhost. */
  issuer: string
  /** `sqlite:PATH` or `postgres://…`. */
  database: string
  /** How many connections to PostgreSQL write at once, 1 to 200. Default 10. Three more read and listen. */
  databasePool?: number
  /** The root secret: 32 bytes or more, as bytes, base64url or plain text. Never stored in the database. */
  secret: string | Uint8Array
  /** The second root secret, asked for only when the reserve signing key is made or needed. */
  reserveSecret?: () => Promise<string | Uint8Array>
  /** See docs/policy.md. Unknown keys are an error. */
  policy?: object
  /** How mail leaves. May be left out only where the issuer is http on localhost: then it waits at /dev/mail. */
  mail?: { smtp: string; from: string } | Transport
  /**
   * While people move in from another system: who is signed in over there, as the application finds out from this request,
   * or `null`. Turns `POST /auth/adopt` on. See docs/tasks/move-in.md.
   */
  adopt?: Adopt
  /** Opens /metrics to whoever shows it as a bearer token. Without one it is for this machine, and on localhost alone. */
  metricsToken?: string
  /** Whether to bring the database's schema up to date at start. Default true. */
  migrate?: boolean
}

/** The request has no body. What it throws is an error of the server (500), and nothing is used up. */
export type Adopt = (request: Request) => Promise<Adoptable | null> | Adoptable | null

/** A credential of another system that the application has checked: it is good there, at this moment. */
export type Adoptable = {
  /** Whose it is: the account's id, which `counterfoil import` keeps. Or `email`. */
  account?: string
  /** The address of the account, if there is no id. Only where people could not change it to somebody else's over there. */
  email?: string
  /** The credential itself, or what names it and no other: a session's id, the `jti` of a token. Kept as a hash. */
  credential: string
  /** When it ends by itself, in whole seconds since 1970; until then it is remembered, and never taken after. */
  expiresAt: number
}

export type CheckOptions = {
  /** The request is not a sign of life: a poll. By default it says so itself, by `Counterfoil-Passive: ?1`. */
  readonly isPassive?: boolean
  /** Judged by what is known of the last 3 s, as unsafe requests always are; otherwise of the last 20. */
  readonly critical?: true
}

/** What a person is asked to let a worker do. See docs/grants.md. */
export type AskedGrant = {
  /** The worker: a client that proves itself and has scopes. */
  client_id: string
  /** One word or more, one space between them. */
  scope: string
  /** The issuer, or one of the policy `audiences`. */
  audience: string
  /** Seconds; at most the policy `grantSeconds`. */
  expires_in: number
  /** One line, for the person. */
  purpose: string
  /** Default `keep`. */
  on_sign_out?: 'keep' | 'end'
  /** Default `end`. */
  on_password_reset?: 'keep' | 'end'
  /** Who is asked. Without it whoever is signed in may approve. */
  account_id?: string
  /** A path of the issuer's own origin to go on to, with `grant=ID` added; without it the account page. */
  return_to?: string
}

/** Of the socket's other end; `null` where the listener does not say, and then limits per network do not apply. */
export type Remote = { address: string | null }

export type AdoptOptions = {
  /** Default `cookie`. */
  carrier?: 'cookie' | 'token'
  /** The other end of the socket; without it limits per network do not apply. */
  address?: string | null
}

export type Auth = {
  /** The whole server. `remote` tells where the request comes from; without it limits per network do not apply. */
  fetch(request: Request, remote?: Remote): Promise<Response>
  /** Whether a path is one of the server's own. The front page is not: an application has its own. */
  serves(path: string): boolean
  /**
   * Who sends this request, a web `Request` or node's message: `null` where it carries no credential or an unknown, ended
   * or expired cookie. Throws a `Refusal` for a bad token and for an unsafe request by cookie that the browser does not
   * prove to be same-origin.
   */
  identify(request: IncomingRequest, given?: CheckOptions): Promise<Caller | null>
  /** The same, at once where the credential is known and later where it is not: `await` takes both. Throws or rejects. */
  check(request: IncomingRequest, given?: CheckOptions): Caller | null | Promise<Caller | null>
  /**
   * `POST /auth/adopt` for a request that came for something else: what it answers is what a browser is to be sent, its
   * cookies at least. Guarded by where this request says that it comes from, whatever its method.
   */
  adopt(request: IncomingRequest, given?: AdoptOptions): Promise<Response>
  /** The guard alone: refuses what may be forged (`forged_request`), and looks at no credential. */
  guard(request: IncomingRequest): void
  /**
   * This caller, if it is one and all that is required holds. Otherwise a `Refusal`: `credential_missing`,
   * `reauthentication_required`, `insufficient_scope`, `presence_required`.
   */
  demand(caller: Caller | null, requirements?: Requirements): Caller
  readonly grants: {
    /**
     * The address of a page on which a person lets a worker act for them, good for an hour and for one grant. An `Error` for what
     * is malformed; a `Refusal` for what nobody could approve: `grant_client_unfit`, `scope_invalid`, `target_invalid`,
     * `grant_too_long`.
     */
    request(asked: AskedGrant): Promise<string>
  }
  /** The first step of stopping: /readyz answers 503 from now on, so that nobody new is sent here. All else goes on. */
  retire(): void
  /** Ends whatever would never end by itself, the streams of the feed, so that a listener can close. */
  drain(): void
  /** Writes what waits and lets go of the database. */
  close(): Promise<void>
}

/** The cookie that a request showed, as the store knows it; `null` for a token. */
export type ShownCookie = { readonly cookieId: string | null }
