import type { refusals } from '../refusals.ts'
import type { ShapeName } from './shapes.ts'

export type RefusalCode = keyof typeof refusals

/** What is in an answer: a shape as JSON, or something of another type. */
export type Content = ShapeName | readonly ShapeName[] | { readonly type: string } | null

/** What a route does beyond what its kind does: /openapi.json tells it, and tests hold every answer against it. */
export type Contract = {
  readonly summary: string
  readonly answers: Readonly<Record<number, Content>>
  /** Of its own: what every route of its kind refuses is in openapi.ts. */
  readonly refusals?: readonly RefusalCode[]
  /** Parameters in the address after the question mark; what has to be there ends in `!`. */
  readonly query?: readonly string[]
  /** Headers that it reads, beside credentials. */
  readonly headers?: readonly string[]
  /** Who asks proves itself as a client. */
  readonly isForClients?: true
}

const html = { type: 'text/html' }
const newPassword = [
  'password_too_short',
  'password_too_long',
  'password_common',
  'password_malformed',
] as const
const typed = ['password_too_long', 'password_malformed'] as const
const tries = ['too_many_attempts', 'busy'] as const
const bound = ['proof_invalid', 'proof_nonce_needed', 'too_many_proofs'] as const
const dpop = { headers: ['DPoP'] } as const
const page = (summary: string, query: readonly string[] = []): Contract => ({
  summary,
  answers: { 200: html, 303: null },
  query,
})

const accounts: Record<string, Contract> = {
  'POST /auth/sign-up': {
    summary: 'Sign up. The mail says the rest, whether or not the address has an account.',
    answers: { 202: 'Nothing', 201: 'Credential' },
    refusals: ['email_invalid', 'email_taken', ...newPassword, ...tries, ...bound],
    ...dpop,
  },
  'POST /auth/verify-email': {
    summary: 'Turn a proven mailbox into an account, signed in.',
    answers: { 200: 'Credential' },
    refusals: ['link_invalid', 'password_required', ...newPassword, 'busy', ...bound],
    ...dpop,
  },
  'POST /auth/sign-in': {
    summary: 'Sign in, by cookie or by token.',
    answers: { 200: 'Credential' },
    refusals: ['sign_in_failed', 'email_invalid', ...typed, ...tries, ...bound],
    ...dpop,
  },
  'POST /auth/adopt': {
    summary: 'A session for what another system handed out, once. There only while an application moves in.',
    answers: { 200: 'Credential' },
    refusals: ['adoption_refused', 'email_invalid', ...tries, ...bound],
    ...dpop,
  },
  'POST /auth/sign-out': {
    summary: 'Sign out. Without a credential there is nothing to do.',
    answers: { 204: null },
    refusals: ['busy'],
  },
  'POST /auth/reauthenticate': {
    summary: 'Prove anew who the account is.',
    answers: { 200: 'Credential' },
    refusals: ['password_wrong', 'session_ended', ...typed, ...tries, ...bound],
    ...dpop,
  },
  'POST /auth/password/change': {
    summary: 'Change the password, and end all other sessions.',
    answers: { 200: 'Credential' },
    refusals: ['password_wrong', 'session_ended', ...newPassword, ...tries, ...bound],
    ...dpop,
  },
  'POST /auth/password/forgot': {
    summary: 'Ask for mail that leads to a new password, whether or not there is an account.',
    answers: { 202: 'Nothing' },
    refusals: ['email_invalid', 'too_many_attempts'],
  },
  'POST /auth/password/reset': {
    summary: 'Set a new password by the link, and end every session.',
    answers: { 204: null },
    refusals: ['link_invalid', ...newPassword, 'busy'],
  },
}

const sessions: Record<string, Contract> = {
  'GET /auth/session': {
    summary: 'Who the server takes this request to be from.',
    answers: { 200: 'Caller' },
  },
  'GET /auth/sessions': {
    summary: 'The live sessions of the account.',
    answers: { 200: 'Sessions' },
    refusals: ['presence_required'],
  },
  'DELETE /auth/sessions/:id': {
    summary: 'End a session. With `wait=applied` once every verifier knows, or cannot trust itself any more.',
    answers: { 204: null, 200: 'Receipt' },
    refusals: ['session_unknown', 'busy'],
    query: ['wait'],
  },
  'POST /auth/sessions/end-others': {
    summary: 'End all sessions of the account but this one.',
    answers: { 204: null },
  },
  'GET /auth/forward': {
    summary: 'Whether a request that a proxy tells about may go on.',
    answers: { 200: null },
    refusals: ['not_found', 'credential_missing', 'presence_required', 'insufficient_scope'],
  },
  'POST /auth/token': {
    summary: 'A bound token for another service, beside the cookie.',
    answers: { 200: 'MintedToken' },
    refusals: ['target_invalid', 'scope_invalid', 'carrier_wrong', 'busy', 'session_ended', ...bound],
    ...dpop,
  },
  'POST /auth/carrier': {
    summary: 'The same session, carried the other way from here on.',
    answers: { 200: 'Credential' },
    refusals: ['carrier_wrong', 'password_wrong', 'session_ended', ...typed, ...tries, ...bound],
    ...dpop,
  },
  'POST /auth/grants': {
    summary: 'Let a client act for the account later.',
    answers: { 201: 'Grant' },
    refusals: [
      ...([
        'grant_client_unfit',
        'grant_too_long',
        'grants_full',
        'scope_invalid',
        'target_invalid',
      ] as const),
      ...(['reauthentication_required', 'presence_required', 'insufficient_scope', 'session_ended'] as const),
    ],
  },
  'GET /auth/grants': {
    summary: 'The grants of the account that live.',
    answers: { 200: 'Grants' },
    refusals: ['presence_required', 'insufficient_scope'],
  },
  'DELETE /auth/grants/:id': {
    summary: 'Withdraw a grant, with every token made under it.',
    answers: { 204: null, 200: 'Receipt' },
    refusals: ['grant_unknown', 'presence_required', 'insufficient_scope'],
    query: ['wait'],
  },
}

const services: Record<string, Contract> = {
  'POST /oauth/token': {
    summary: 'Refresh, a token for a client itself, or one under a grant (RFC 6749, 8693, 9449).',
    answers: { 200: ['RefreshedTokens', 'ClientToken', 'ExchangedToken'] },
    refusals: [
      ...(['grant_invalid', 'grant_type_unsupported', 'scope_invalid', 'target_invalid'] as const),
      ...(['client_invalid', 'client_unauthorized', ...bound, ...tries] as const),
      ...([
        'grant_unknown',
        'grant_withdrawn',
        'grant_expired',
        'grant_over',
        'subject_invalid',
        'feed_stale',
        'session_ended',
      ] as const),
    ],
    isForClients: true,
    ...dpop,
  },
  'POST /oauth/revoke': {
    summary: 'End what a token stands on (RFC 7009).',
    answers: { 200: null },
    refusals: ['client_invalid', 'client_unauthorized', 'too_many_attempts', 'busy'],
    isForClients: true,
  },
  'POST /oauth/introspect': {
    summary: 'What a token is worth now (RFC 7662, signed: RFC 9701).',
    answers: { 200: ['Introspection'] },
    refusals: ['client_invalid', 'feed_stale'],
    isForClients: true,
  },
  'GET /feed/stream': {
    summary: 'What ends, as server-sent events without end.',
    answers: { 200: { type: 'text/event-stream' } },
    refusals: ['client_invalid', 'input_invalid'],
    query: ['verifier!', 'nonce!', 'max_stale!'],
    headers: ['Last-Event-ID'],
    isForClients: true,
  },
  'GET /feed/snapshot': {
    summary: 'All that ended within a window.',
    answers: { 200: 'FeedSnapshot', 304: null },
    refusals: ['client_invalid', 'input_invalid'],
    query: ['window'],
    headers: ['If-None-Match'],
    isForClients: true,
  },
  'GET /feed/log': {
    summary: 'What ended between two positions, both included.',
    answers: { 200: 'FeedLog' },
    refusals: ['client_invalid', 'log_forgotten', 'input_invalid'],
    query: ['from!', 'to!'],
    isForClients: true,
  },
  'POST /feed/ack': {
    summary: 'How far a verifier has come.',
    answers: { 204: null },
    refusals: ['client_invalid'],
    isForClients: true,
  },
  'POST /feed/statement': {
    summary: 'What may be believed of a cookie for a while.',
    answers: { 200: 'FeedStatement' },
    refusals: ['client_invalid', 'feed_stale'],
    isForClients: true,
  },
}

const open: Record<string, Contract> = {
  'GET /.well-known/oauth-authorization-server': {
    summary: 'Where everything is.',
    answers: { 200: 'Metadata' },
  },
  'GET /.well-known/jwks.json': { summary: 'The public signing keys.', answers: { 200: 'KeySet' } },
  'GET /status/:list': {
    summary: 'A signed status list.',
    answers: { 200: { type: 'application/statuslist+jwt' }, 304: null },
    refusals: ['not_found'],
    headers: ['If-None-Match'],
  },
  'GET /openapi.json': { summary: 'This.', answers: { 200: { type: 'application/json' } } },
  'GET /healthz': { summary: 'The process answers.', answers: { 200: 'Status' } },
  'GET /readyz': { summary: 'The database can be read.', answers: { 200: 'Status', 503: 'Status' } },
  'GET /metrics': {
    summary: 'Figures for operators.',
    answers: { 200: { type: 'text/plain' } },
    refusals: ['not_found'],
  },
  'GET /assets/:name': {
    summary: 'What pages load.',
    answers: { 200: { type: '*/*' } },
    refusals: ['not_found'],
  },
}

const pages: Record<string, Contract> = {
  'GET /': page('The front page.'),
  'GET /sign-up': page('The form.'),
  'POST /sign-up': page('Mail is on its way.'),
  'GET /verify': page('Asks for a press of its button; uses nothing up.', ['token']),
  'POST /verify': page('Goes on to the account.'),
  'GET /sign-in': page('The form.', ['next']),
  'POST /sign-in': page('Goes on to `next`.'),
  'POST /sign-out': page('Goes on to the front page.'),
  'GET /forgot': page('The form.'),
  'POST /forgot': page('The same page whether or not there is an account.'),
  'GET /reset': page('The form for a new password; uses nothing up.', ['token']),
  'POST /reset': page('Goes on to the form for signing in.'),
  'GET /account': page('The devices, the grants, the password.'),
  'GET /grants/new': page('Who will do what, where, until when, and a button.', ['request!']),
  'POST /grants/new': page('Gives the grant, and goes on to where the application said.'),
  'POST /account/grants/withdraw': page('Withdraws a grant.'),
  'POST /account/password': page('Changes it.'),
  'POST /account/sessions/end': page('Ends one.'),
  'POST /account/sessions/end-others': page('Ends the others.'),
  'GET /dev/mail': {
    summary: 'The mailbox, in development and for this machine alone.',
    answers: { 200: ['Letters'] },
    refusals: ['not_found'],
  },
}

/** By method and path. A route without one stops /openapi.json, and its test says so. */
export const contracts: Readonly<Record<string, Contract>> = {
  ...accounts,
  ...sessions,
  ...services,
  ...open,
  ...pages,
}
