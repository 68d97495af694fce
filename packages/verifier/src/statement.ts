import type { AccessTokenClaims } from './access-token.ts'
import type { Caller, CallerSession } from './caller.ts'
import type { StatementKeys } from './ends.ts'
import { feedKey } from './feed.ts'

/** What may be believed about a credential for a while, made from one reading of the database. */
export type Statement = {
  readonly account: Caller['account']
  readonly session: CallerSession | null
  readonly rights: Rights
  readonly authenticatedAt: number
  readonly clientId: string
  /** SHA-256 of the cookie's random part, as base64url; null for a token. */
  readonly cookieId: string | null
  /** The signing key; null where nothing was signed. */
  readonly keyId: string | null
  /** The feed's position in the very same reading. */
  readonly asOf: number
  /** When that reading began, by the primary database's clock: whole seconds, rounded down. */
  readonly readStart: number
  /** When to stop believing it, whatever the feed says. */
  readonly end: number
}

/** What a caller may do, and how it shows who it is; one object for everybody who carries a cookie. */
export type Rights = {
  readonly carrier: Caller['carrier']
  /** The thumbprint of the key that each request has to prove; null where the credential is enough. */
  readonly confirmation: string | null
  readonly scopes: readonly string[]
  readonly actor: string | null
  /** The whole chain of those that act, an empty list for nearly all: what is ended with any of them. */
  readonly actors: readonly string[]
  readonly grant: string | null
}

export const cookieRights: Rights = Object.freeze({
  carrier: 'cookie',
  confirmation: null,
  scopes: Object.freeze([]),
  actor: null,
  actors: Object.freeze([]),
  grant: null,
})

/** Most first-party tokens are of this kind, and hold no object of their own for it. */
const bearerRights: Rights = Object.freeze({ ...cookieRights, carrier: 'bearer' })

/** A genuine access token is a statement of its own. It tells neither address nor device. */
export function statementOf(claims: AccessTokenClaims, keyId: string): Statement {
  return {
    account: { id: claims.subject, email: null },
    session: claims.sessionId === null ? null : sessionOf(claims.sessionId),
    rights: tokenRights(claims),
    authenticatedAt: claims.authenticatedAt,
    clientId: claims.clientId,
    cookieId: null,
    keyId,
    asOf: claims.asOf,
    readStart: claims.issuedAt,
    end: claims.expiresAt,
  }
}

/**
 * What an access token gives, whether or not it is bound. With a client's own token the client is the one who acts: it is of
 * no session and of no grant, and no user is present.
 */
export function tokenRights(claims: AccessTokenClaims): Rights {
  const { confirmation, scopes, actors, grant, sessionId, clientId } = claims
  const isOwn = sessionId === null && grant === null
  const actor = claims.actor ?? (isOwn ? clientId : null)
  const isPlain = confirmation === null && scopes.length === 0 && actor === null && grant === null
  if (isPlain) return bearerRights
  return { carrier: confirmation === null ? 'bearer' : 'dpop', confirmation, scopes, actor, actors, grant }
}

const sessionOf = (id: string): CallerSession => ({
  id,
  created_at: null,
  last_seen_at: null,
  device: null,
  carrier: null,
  current: true,
})

const noKeys: readonly string[] = Object.freeze([])

/** Of those that handed it on: whoever acts now is the client already. */
const innerKeys = (actors: readonly string[], clientId: string) =>
  actors.filter((actor) => actor !== clientId).map((actor) => feedKey('client', actor))

/** Under which keys the feed would tell the end of this statement. A grant's token outlives the session beside it. */
export function keysOf({ account, session, rights, clientId, cookieId, keyId }: Statement): StatementKeys {
  return {
    session: session === null ? null : feedKey('session', session.id),
    cookie: cookieId === null ? null : feedKey('cookie', cookieId),
    grant: rights.grant === null ? null : feedKey('grant', rights.grant),
    account: feedKey('account', account.id),
    client: feedKey('client', clientId),
    actors: rights.actors.length === 0 ? noKeys : innerKeys(rights.actors, clientId),
    key: keyId === null ? null : feedKey('key', keyId),
  }
}
