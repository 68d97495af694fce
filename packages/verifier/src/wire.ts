import { type FeedEntry, type FeedKind, feedKinds } from './feed.ts'
import { isJsonObject, type JsonObject, type JsonValue, parseJsonObject } from './json.ts'
import type { Statement } from './statement.ts'
import { cookieRights } from './statement.ts'
import type { Snapshot } from './view.ts'

/** What travels on the stream, in the order in which a hub came to know it. Times are milliseconds of the clock named. */
export type StreamMessage =
  /** First, at once: `at` is the hub's monotonic time, `nonce` the verifier's own from this very request. */
  | { kind: 'hello'; hub: string; nonce: string; at: number; epoch: number; head: number }
  | { kind: 'revoked'; epoch: number; entries: readonly FeedEntry[]; wantsAck: boolean }
  /** `a`: the hub's monotonic time before it sent a write that has been committed since and that told it of `head`. */
  | { kind: 'heartbeat'; hub: string; epoch: number; head: number; a: number; wall: number }

/** What a stream says by another name is for verifiers that are newer than this one. */
export const messageNames: ReadonlySet<string> = new Set<StreamMessage['kind']>([
  'hello',
  'revoked',
  'heartbeat',
])

const limits = { maxMembers: 20_000_000 }
const kinds: ReadonlySet<unknown> = new Set(feedKinds)
const keyPattern = /^[\w-]{22}$/
const idPattern = /^[\x21-\x7e]{1,128}$/

type WireEntry = readonly [position: number, kind: FeedKind, key: string, age: number]

export function writeEntries(entries: readonly FeedEntry[]): WireEntry[] {
  return entries.map(({ position, kind, key, age }) => [position, kind, key, age])
}

/** One message as the data of a server-sent event of that name. */
export function writeMessage(message: StreamMessage): { event: StreamMessage['kind']; data: string } {
  if (message.kind !== 'revoked') {
    const { kind, ...data } = message
    return { event: kind, data: JSON.stringify(data) }
  }
  const { epoch, entries, wantsAck } = message
  return {
    event: 'revoked',
    data: JSON.stringify({ epoch, entries: writeEntries(entries), wants_ack: wantsAck }),
  }
}

/** Null for anything but a message of ours, in which case the connection is not one to a hub. Unknown members pass. */
export function readMessage(event: string, data: string): StreamMessage | null {
  const body = parseJsonObject(data, limits)
  if (body === null) return null
  const { hub, nonce, at, epoch, head, a, wall } = body
  if (!isCount(epoch)) return null
  if (event === 'revoked') {
    const entries = readEntries(body.entries)
    return entries && { kind: 'revoked', epoch, entries, wantsAck: body.wants_ack === true }
  }
  if (!isId(hub) || !isCount(head)) return null
  if (event === 'hello')
    return isId(nonce) && isTime(at) ? { kind: 'hello', hub, nonce, at, epoch, head } : null
  if (event !== 'heartbeat') return null
  return isTime(a) && isTime(wall) ? { kind: 'heartbeat', hub, epoch, head, a, wall } : null
}

export function readSnapshot(text: string): Snapshot | null {
  const body = parseJsonObject(text, limits)
  const entries = readEntries(body?.entries)
  if (body === null || entries === null) return null
  const { epoch, position, window } = body
  if (!isCount(epoch) || !isCount(position) || !isCount(window)) return null
  return { epoch, position, window, entries }
}

/** The entries of a log answer and the epoch they belong to. */
export function readLog(text: string): { epoch: number; entries: readonly FeedEntry[] } | null {
  const body = parseJsonObject(text, limits)
  const entries = readEntries(body?.entries)
  return entries && isCount(body?.epoch) ? { epoch: body.epoch, entries } : null
}

function readEntries(value: JsonValue | undefined): readonly FeedEntry[] | null {
  if (!Array.isArray(value)) return null
  const entries: FeedEntry[] = []
  for (const item of value) {
    if (!Array.isArray(item) || item.length !== 4) return null
    const [position, kind, key, age] = item
    if (!isCount(position) || !kinds.has(kind) || !isCount(age)) return null
    if (typeof key !== 'string' || !keyPattern.test(key)) return null
    entries.push({ position, kind: kind as FeedKind, key, age })
  }
  return entries
}

/** A statement about a cookie as the server tells it; `undefined` if it is malformed, null where there is no session. */
export function readStatement(text: string): Statement | null | undefined {
  const body = parseJsonObject(text)
  if (body === null) return undefined
  if (body.statement === null) return null
  return isJsonObject(body.statement) ? readStatementBody(body.statement) : undefined
}

/** The statements about so many cookies, in the order in which they were asked about; null if it is malformed. */
export function readStatements(text: string, count: number): readonly (Statement | null)[] | null {
  const list = parseJsonObject(text, limits)?.statements
  if (!Array.isArray(list) || list.length !== count) return null
  const statements: (Statement | null)[] = []
  for (const item of list) {
    const statement = item === null ? null : isJsonObject(item) ? readStatementBody(item) : undefined
    if (statement === undefined) return null
    statements.push(statement)
  }
  return statements
}

function readStatementBody(body: JsonObject): Statement | undefined {
  const { account, session, client_id: clientId, cookie_id: cookieId } = body
  const { authenticated_at: authenticatedAt, as_of: asOf, read_start: readStart, end } = body
  if (!isJsonObject(account) || !isJsonObject(session)) return undefined
  if (!isText(account.id) || !isText(account.email) || !isText(clientId) || !isText(cookieId))
    return undefined
  if (!isCount(authenticatedAt) || !isCount(asOf) || !isCount(readStart) || !isCount(end)) return undefined
  const { id, created_at, last_seen_at, device } = session
  if (!isText(id) || !isCount(created_at) || !isCount(last_seen_at) || typeof device !== 'string')
    return undefined
  return {
    account: { id: account.id, email: account.email },
    session: { id, created_at, last_seen_at, device, carrier: 'cookie', current: true },
    rights: cookieRights,
    ...{ authenticatedAt, clientId, cookieId, keyId: null, asOf, readStart, end },
  }
}

/** The statement in the form that `readStatement` reads. */
export function writeStatement(statement: Statement | null): string {
  return JSON.stringify({ statement: statement && statementBody(statement) })
}

/** How many cookies one question is about, at most. */
export const mostCookies = 100

/** Several, in the form that `readStatements` reads. */
export function writeStatements(statements: readonly (Statement | null)[]): string {
  return JSON.stringify({ statements: statements.map((statement) => statement && statementBody(statement)) })
}

function statementBody(statement: Statement): object {
  const { account, session, authenticatedAt, clientId, cookieId, asOf, readStart, end } = statement
  const body = { account, session, client_id: clientId, cookie_id: cookieId }
  const times = { authenticated_at: authenticatedAt, as_of: asOf, read_start: readStart, end }
  return { ...body, ...times }
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
const isId = (value: unknown): value is string => typeof value === 'string' && idPattern.test(value)
const isTime = (value: unknown): value is number => typeof value === 'number' && value >= 0
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0
