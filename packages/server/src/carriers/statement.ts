import type { AccessTokenClaims } from '@counterfoil/verifier'
import {
  cookieRights,
  cookieStatementSeconds,
  parseJws,
  type Statement,
  statementOf,
  tokenRights,
} from '@counterfoil/verifier'
import { type SessionRecord, showSession } from '../sessions/index.ts'

type Reading = {
  /** The time before the session was read. */
  readStart: number
}

/** What was just read about a session, for whoever shows the cookie with this hash. */
export function cookieStatement(
  session: SessionRecord,
  { readStart, cookieId, idleSeconds }: Reading & { cookieId: string; idleSeconds: number },
): Statement {
  // Half the idle time, so that asking again is a sign of life before the session could be idle.
  const life = Math.min(cookieStatementSeconds, Math.floor(idleSeconds / 2))
  return {
    ...common(session, readStart),
    rights: cookieRights,
    authenticatedAt: session.authenticated_at,
    cookieId,
    keyId: null,
    end: Math.min(readStart + life, session.expires_at, session.last_seen_at + idleSeconds),
  }
}

/** The same for a token that is genuine; it ends with the token. */
export function tokenStatement(
  session: SessionRecord,
  { readStart, claims, keyId }: Reading & { claims: AccessTokenClaims; keyId: string },
): Statement {
  return {
    ...common(session, readStart),
    rights: tokenRights(claims),
    authenticatedAt: claims.authenticatedAt,
    cookieId: null,
    keyId,
    end: Math.min(claims.expiresAt, session.expires_at),
  }
}

/** What is read with a grant: whose authority it is, and the position of that reading. */
export type Acting = { account_id: string; email: string; as_of: number }

/** For a token that was made under a grant. The session that it may name is not the worker's, and no use of it keeps that alive. */
export function actingStatement(
  acting: Acting,
  { token, claims, readStart }: Reading & { token: string; claims: AccessTokenClaims },
): Statement {
  const keyId = String(parseJws(token)?.header.kid)
  const account = { id: acting.account_id, email: acting.email }
  return { ...statementOf(claims, keyId), account, asOf: acting.as_of, readStart }
}

function common(session: SessionRecord, readStart: number) {
  return {
    account: { id: session.account_id, email: session.email },
    session: showSession(session, session.id),
    clientId: session.client_id,
    asOf: session.as_of,
    readStart,
  }
}
