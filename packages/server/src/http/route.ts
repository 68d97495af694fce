import type { Caller, Proof, Refusal } from '@counterfoil/verifier'
import type { ZodType } from 'zod'
import type { ShownCookie } from '../contract.ts'
import { refuse } from '../refusals.ts'
import type { Html } from './html.ts'

/** What http/ knows of whoever sent a request, besides the credential. None of it proves who they are. */
export type Visitor = {
  /** Canonical IPv4 address or IPv6 /64, `null` where the listener does not say. */
  network: string | null
  /** What the browser says it is; a label for the list of devices is made of it. */
  userAgent: string | null
  deviceCookie: string | null
  signUpCookie: string | null
  /** The browser has shown that the request comes from our own pages. */
  isSameOrigin: boolean
  /** Sits at this machine, with nothing in between. */
  isLoopback: boolean
}

export type RouteRequest<Body> = {
  body: Body
  params: Readonly<Record<string, string>>
  query: URLSearchParams
  caller: Caller | null
  visitor: Visitor
  /** The header `Accept`, empty where there is none. */
  accept: string
  /** A page that machines read too: `Accept` asks for JSON and not for HTML. */
  wantsJson: boolean
  /** The request itself without its body, for the application's own look at it. Its host is ours, whatever it said. */
  asCame(): Request
  /** The header as it came, for clients and operators; null where a route reads our own credentials. */
  authorization: string | null
  /** How far a listener to the feed has come, as it was told. */
  lastEventId: string | null
  ifNoneMatch: string | null
  /**
   * The proof that whoever sends this holds a key (RFC 9449), for what is handed out to be bound to it; `null` without a
   * `DPoP` header. Refuses one that does not fit, or was not made with a nonce of ours. Whoever hands out uses it up.
   */
  proveKey(): Promise<Proof | null>
  /**
   * What the caller's session was carried by when the request began. Its body may have come long after: whoever hands out
   * something for no other proof has that compared with what carries the session now.
   */
  shown(): ShownCookie
}

/** What a route answers. It never touches a credential: it says what began or ended, and http/ does the rest. */
export type Answer = {
  status: number
  json?: object
  html?: Html
  /** Public text, the same for everyone, such as the key set. */
  text?: { body: string; type: string }
  /** For how long anybody may keep it, what is between included. Only for what is the same for everyone. */
  keepSeconds?: number
  /** Goes on until somebody ends it. */
  stream?: { body: ReadableStream<Uint8Array>; type: string }
  /** Names this very answer (RFC 9110 8.8.3), so that it need not be sent twice. */
  etag?: string
  /** Where a page sends the browser next; always a path of our own. */
  location?: string
  /** The session that a new credential is handed out for; what is handed out is the answer's body. */
  began?: {
    sessionId: string
    carrier: 'cookie' | 'token'
    proof?: Proof | null
    drawn?: object | null
    from?: ShownCookie
  }
  /** For a proxy that asks: who it may say that the request is from. */
  forwarded?: { account: string; session: string }
  /** The carried credential is over. */
  ended?: true
  /** Set at a success: the device is known to this account from now on. */
  deviceCookie?: string
  signUpCookie?: { value: string; lifeSeconds: number }
}

/**
 * api: JSON in and out. page: our own forms, HTML out. oauth: forms, never reads cookies. service: JSON, for programs that
 * prove themselves as clients, never reads cookies. open: no credential at all.
 */
export type RouteKind = 'api' | 'page' | 'oauth' | 'service' | 'open'

/**
 * How a route wants its caller. `replaced`: only a cookie counts, since a new credential takes its place;
 * a stale token must not keep anyone from signing in.
 */
export type CallerRule = 'ignored' | 'optional' | 'required' | 'replaced'

export type Prepared = {
  asksForCookie: boolean
  run(request: Omit<RouteRequest<unknown>, 'body'>): Promise<Answer>
}

/**
 * How a page shows a refusal. `raw` is the form as it was sent; `request` is null where the refusal came
 * before the caller was known.
 */
export type PageRefusal = (
  refusal: Refusal,
  raw: Readonly<Record<string, string>>,
  request: Omit<RouteRequest<unknown>, 'body'> | null,
) => Answer | Promise<Answer>

export type Route = {
  method: 'GET' | 'POST' | 'DELETE'
  path: string
  kind: RouteKind
  caller: CallerRule
  takesBody: boolean
  /** What it takes, for whoever describes it. */
  body: ZodType | null
  /** Exists for whoever sits at this machine alone. */
  loopbackOnly: boolean
  /** A proxy asks about another request: that one is judged, as the policy `forward` says. */
  forwards: boolean
  /** Parses the body (or throws `input_invalid`) and says whether the request asks for our cookie. */
  prepare(raw: unknown): Prepared
  /** A page shows a refusal in its own form rather than on a page of its own. */
  refused: PageRefusal | null
}

type RouteDefinition<Body> = {
  method: Route['method']
  path: string
  kind: RouteKind
  caller: CallerRule
  body?: ZodType<Body>
  asksForCookie?: (body: Body) => boolean
  loopbackOnly?: boolean
  forwards?: boolean
  refused?: Route['refused']
  handle(request: RouteRequest<Body>): Promise<Answer> | Answer
}

export function route<Body = null>(definition: RouteDefinition<Body>): Route {
  const { method, path, kind, caller, body: schema, asksForCookie, refused } = definition
  return {
    method,
    path,
    kind,
    caller,
    takesBody: schema !== undefined,
    body: schema ?? null,
    loopbackOnly: definition.loopbackOnly ?? false,
    forwards: definition.forwards ?? false,
    refused: refused ?? null,
    prepare(raw) {
      const body = (schema === undefined ? null : parse(schema, raw)) as Body
      return {
        asksForCookie: asksForCookie?.(body) ?? false,
        run: async (request) => definition.handle({ ...request, body }),
      }
    },
  }
}

function parse<Body>(schema: ZodType<Body>, raw: unknown): Body {
  // Zod would write a function for each schema: code out of text, which not everybody lets a process run.
  const parsed = schema.safeParse(raw, { jitless: true })
  if (parsed.success) return parsed.data
  const fields = parsed.error.issues.map((issue) => issue.path.join('.') || 'body')
  refuse('input_invalid', { detail: `not as expected: ${[...new Set(fields)].join(', ')}` })
}

/**
 * A path of our own to go on to, or `null`: one slash, then nothing that a browser could read as another
 * host (`//`, a backslash) or drop (tabs, line breaks).
 */
export function pathWithin(next: string | null): string | null {
  return next !== null && next.length <= 2048 && /^\/(?![/\\])[\x21-\x5b\x5d-\x7e]*$/.test(next) ? next : null
}
