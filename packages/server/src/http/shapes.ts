import * as z from 'zod'

/** The shapes of answers, as the description of the surface tells them. Tests hold every answer against them. */
const at = z.int().describe('seconds since 1970')
const seconds = z.int().describe('seconds')
const text = z.string()
const isoCarrier = z.enum(['cookie', 'token'])
const tokenType = z.enum(['Bearer', 'DPoP'])

const Account = z.strictObject({ id: text, email: text })
const Session = z.strictObject({
  id: text,
  created_at: at,
  last_seen_at: at,
  device: text.describe('what the browser said it was, for people to recognise'),
  carrier: isoCarrier,
  current: z.boolean().describe('whether the request that asks is of this session'),
})
const Caller = z.strictObject({
  account: Account,
  session: Session.nullable().describe('null for a token that was made under a grant'),
  carrier: z.enum(['cookie', 'bearer', 'dpop']),
  scopes: z.array(text),
  actor: text.nullable().describe('the client that acts for the account'),
  grant: text.nullable().describe('the grant that it acts under'),
  authenticated_at: at,
})
const tokens = { access_token: text, token_type: tokenType, expires_in: seconds, refresh_token: text }
const WithCookie = z.strictObject({ account: Account, session: Session })
const WithTokens = z.strictObject({ ...tokens, account: Account, session: Session })
const MintedToken = z.strictObject({ access_token: text, token_type: tokenType, expires_in: seconds })
const Receipt = z.strictObject({
  position: z.int(),
  verifiers: z.int().describe('how many had to know'),
  confirmed: z.int().describe('how many of them have said that they do'),
  worst_case_at: at.nullable().describe('until when one of the others may have gone on accepting'),
})
const keepOrEnd = z.enum(['keep', 'end'])
const Grant = z.strictObject({
  id: text,
  client_id: text,
  client_name: text.nullable(),
  scope: text,
  audience: text,
  purpose: text,
  created_at: at,
  expires_at: at,
  last_used_at: at.nullable(),
  on_sign_out: keepOrEnd,
  on_password_reset: keepOrEnd,
})
const clientToken = { access_token: text, token_type: tokenType, expires_in: seconds, scope: text }
const FeedEntries = z.array(z.array(z.union([z.int(), text])))

export const shapes = {
  Account,
  Session,
  Caller,
  WithCookie,
  WithTokens,
  Credential: z.union([WithCookie, WithTokens]).describe('by cookie, or by token: as it was asked for'),
  MintedToken,
  RefreshedTokens: z.strictObject(tokens),
  ClientToken: z.strictObject(clientToken),
  ExchangedToken: z.strictObject({ ...clientToken, issued_token_type: text }),
  Sessions: z.strictObject({ sessions: z.array(Session) }),
  Receipt,
  Grant,
  Grants: z.strictObject({ grants: z.array(Grant) }),
  Nothing: z.strictObject({}),
  Introspection: z.looseObject({ active: z.boolean() }).describe('RFC 7662'),
  Metadata: z.looseObject({ issuer: text, token_endpoint: text, jwks_uri: text }).describe('RFC 8414'),
  KeySet: z.strictObject({ keys: z.array(z.looseObject({ kid: text, alg: text })) }).describe('RFC 7517'),
  FeedSnapshot: z.strictObject({ epoch: z.int(), position: z.int(), window: seconds, entries: FeedEntries }),
  FeedLog: z.strictObject({ epoch: z.int(), entries: FeedEntries }),
  FeedStatement: z
    .union([
      z.strictObject({ statement: z.looseObject({}).nullable() }),
      z.strictObject({ statements: z.array(z.looseObject({}).nullable()) }),
    ])
    .describe('null where the cookie is of no live session; as many as were asked about, in the same order'),
  Status: z.strictObject({ status: text }),
  Letters: z.array(z.strictObject({ to: text, subject: text, text, html: text, at })),
  Problem: z
    .strictObject({ type: z.literal('about:blank'), title: text, status: z.int(), code: text })
    .describe('RFC 9457. Branch on `code`, never on `title`.'),
  OAuthError: z
    .strictObject({ error: text, error_description: text, code: text })
    .describe('RFC 6749 5.2, and our own code beside it'),
}
export type ShapeName = keyof typeof shapes
