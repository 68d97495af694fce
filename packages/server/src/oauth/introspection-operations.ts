import type { AccessTokenClaims } from '@counterfoil/verifier'
import type { ProvenClient } from '../clients/index.ts'
import type { Feed } from '../feed/index.ts'
import type { Clock } from '../machine.ts'
import type { Issued, IssuedTokens, Keys } from '../tokens/index.ts'
import { actOf, readAt, signJwt } from '../tokens/index.ts'

export type Introspection = {
  /**
   * What a token is worth now, read from the store, in the words of RFC 7662. Whatever is not good is inactive, and why is
   * nobody's to know. Whoever proves itself may ask about an access token, since it holds the whole of it; about a refresh
   * token only the client that it was made for.
   */
  ask(token: string, client: ProvenClient): Promise<object>
  /** The same as a JWT for the one who asks (RFC 9701), good as evidence and never as a token. */
  sign(answer: object, client: ProvenClient): Promise<string>
}

type Needs = { clock: Clock; issuer: string; keys: Keys; feed: Feed; issued: IssuedTokens }

export function createIntrospection({ clock, issuer, keys, feed, issued }: Needs): Introspection {
  return {
    async ask(token, client) {
      const found = await feed.ask(() => issued.findLive(token), readAt)
      if (found === null) return { active: false }
      if (found.kind === 'access') return { active: true, ...describeAccess(found.claims) }
      return found.session.client_id === client.id
        ? { active: true, ...describeRefresh(found, issuer) }
        : { active: false }
    },
    async sign(answer, client) {
      const claims = { iss: issuer, aud: client.id, iat: clock.now(), token_introspection: answer }
      return signJwt(await keys.ring(), { typ: 'token-introspection+jwt', claims })
    },
  }
}

function describeAccess(claims: AccessTokenClaims): object {
  const { confirmation, sessionId, actors, grant, authenticatedAt } = claims
  return {
    token_type: confirmation === null ? 'Bearer' : 'DPoP',
    scope: claims.scopes.join(' '),
    client_id: claims.clientId,
    sub: claims.subject,
    aud: claims.audience,
    iss: claims.issuer,
    exp: claims.expiresAt,
    iat: claims.issuedAt,
    jti: claims.tokenId,
    ...(sessionId === null ? {} : { sid: sessionId }),
    // 0: no person has proven anything.
    ...(authenticatedAt === 0 ? {} : { auth_time: authenticatedAt }),
    ...(confirmation === null ? {} : { cnf: { jkt: confirmation } }),
    ...(actors.length === 0 ? {} : { act: actOf(actors) }),
    ...(grant === null ? {} : { grant }),
  }
}

function describeRefresh({ session }: Issued & { kind: 'refresh' }, iss: string): object {
  const { id: sid, client_id, account_id: sub, expires_at: exp, authenticated_at: auth_time } = session
  return { scope: '', client_id, sub, iss, exp, sid, auth_time }
}
