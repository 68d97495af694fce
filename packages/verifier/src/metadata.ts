import { type JsonObject, parseJsonObject } from './json.ts'

/** Where an issuer answers what. */
export type Addresses = { readonly keys: string; readonly feed: FeedAddresses | null }

export type FeedAddresses = {
  readonly introspection: string
  readonly stream: string
  readonly snapshot: string
  readonly log: string
  readonly ack: string
  readonly statement: string
}

export type Metadata =
  | { readonly kind: 'found'; readonly addresses: Addresses }
  | { readonly kind: 'refused'; readonly why: string }

/**
 * The addresses in an authorization server's metadata (RFC 8414), or why they are not taken: it names another issuer
 * (section 3.3), or an address that is not on the issuer's own origin, to which we would send credentials. `feed` is
 * null unless all of its addresses are there.
 */
export function readMetadata(text: string, issuer: string): Metadata {
  const body = parseJsonObject(text)
  if (body === null) return refused('it is not a JSON object')
  if (body.issuer !== issuer) return refused(`it names another issuer: ${shown(body.issuer)}`)
  const foreign = addressNames.find(
    (name) => body[name] !== undefined && addressIn(body, name, issuer) === null,
  )
  if (foreign !== undefined)
    return refused(`${foreign} is not an address of the issuer: ${shown(body[foreign])}`)
  const keys = addressIn(body, 'jwks_uri', issuer)
  return keys === null
    ? refused('jwks_uri is missing')
    : { kind: 'found', addresses: { keys, feed: readFeed(body, issuer) } }
}

function readFeed(body: JsonObject, issuer: string): FeedAddresses | null {
  const introspection = addressIn(body, 'introspection_endpoint', issuer)
  const stream = addressIn(body, 'feed_stream_endpoint', issuer)
  const snapshot = addressIn(body, 'feed_snapshot_endpoint', issuer)
  const log = addressIn(body, 'feed_log_endpoint', issuer)
  const ack = addressIn(body, 'feed_ack_endpoint', issuer)
  const statement = addressIn(body, 'feed_statement_endpoint', issuer)
  const isWhole =
    introspection !== null &&
    stream !== null &&
    snapshot !== null &&
    log !== null &&
    ack !== null &&
    statement !== null
  return isWhole ? { introspection, stream, snapshot, log, ack, statement } : null
}

const addressNames = [
  'jwks_uri',
  'introspection_endpoint',
  'feed_stream_endpoint',
  'feed_snapshot_endpoint',
  'feed_log_endpoint',
  'feed_ack_endpoint',
  'feed_statement_endpoint',
] as const

/** Absolute, on the same scheme, host and port, and without what would be lost or misread on the way. */
function addressIn(body: JsonObject, name: string, issuer: string): string | null {
  const value = body[name]
  if (typeof value !== 'string' || !URL.canParse(value)) return null
  const { origin, username, password, search, hash, href } = new URL(value)
  const isPlain = username === '' && password === '' && search === '' && hash === ''
  return origin === issuer && isPlain ? href : null
}

/**
 * An issuer as it is compared: one bare origin. Plain http only for localhost and *.localhost, since our client's
 * secret travels to it. An `Error` for anything else: that is a mistake in the program, not in a request.
 */
export function checkedIssuer(given: string): string {
  const url = URL.canParse(given) ? new URL(given) : null
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLocalName(url.hostname))
  if (url?.origin === given && isSafe) return given
  throw new Error(
    `issuer is "${given}". Give the bare origin, such as https://auth.example, without a path or a final slash; plain http is for localhost and *.localhost alone.`,
  )
}

/** Names of this machine are not asked of any resolver: not each one knows `*.localhost`, and some know it as `::1`. */
export function reachable(address: string): string {
  const url = new URL(address)
  if (url.protocol === 'http:' && isLocalName(url.hostname)) url.hostname = '127.0.0.1'
  return url.href
}

const isLocalName = (name: string) => /^(?:[a-z0-9-]+\.)*localhost$/.test(name)

function refused(why: string): Metadata {
  return { kind: 'refused', why }
}

function shown(value: unknown): string {
  return JSON.stringify(value)?.slice(0, 200) ?? 'nothing'
}
