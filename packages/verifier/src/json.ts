import { asciiText } from './base64url.ts'
import { readUsualClaims } from './usual-claims.ts'

/** A value of strict JSON. Objects have no prototype (but see `parseClaims`), and a member named `__proto__` is only a name. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject

export type JsonObject = { readonly [name: string]: JsonValue | undefined }

/** Bounds on what a stranger may make us build. */
export type JsonLimits = {
  /** Containers inside one another, the outermost included. Default 16. */
  readonly maxDepth?: number
  /** Object members and array elements, counted over the whole text. Default 1,000. */
  readonly maxMembers?: number
}

type Cursor = { readonly text: string; at: number; membersLeft: number }

const whiteSpace = /[ \t\n\r]*/y
const number = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const words = [
  ['true', true],
  ['false', false],
  ['null', null],
] as const

/**
 * The one object that `input` is, or null. Total and linear: any bytes give an answer. Refuses what lenient parsers
 * read differently from one another, and so could be used to show two verifiers two tokens: invalid UTF-8, a byte
 * order mark, a member named twice (RFC 7515 section 4), unpaired surrogates, numbers that are not finite, and texts
 * over the limits. Not checked: whether integers are within the safe range, or what the members mean.
 */
export function parseJsonObject(input: Uint8Array | string, limits: JsonLimits = {}): JsonObject | null {
  return read(input, { limits, keepsPrototypes: false })
}

/**
 * The same for a reader that asks for a few names which no object is born with, as the claims of a token are. Its objects keep
 * their prototypes, since to take them off costs as much as half of the parsing; but not where somebody has assigned to what all
 * objects inherit, as prototype pollution does, which a claim that is absent would be read from. Not looked for: what code of
 * this process has hidden there with `defineProperty`.
 */
export function parseClaims(input: Uint8Array): JsonObject | null {
  const keepsPrototypes = !isPolluted()
  const usual = keepsPrototypes ? readUsualClaims(input) : null
  return usual ?? read(input, { limits: {}, keepsPrototypes })
}

function isPolluted(): boolean {
  for (const _ in Object.prototype) return true
  return false
}

type Manner = { readonly limits: JsonLimits; readonly keepsPrototypes: boolean }

function read(input: Uint8Array | string, manner: Manner): JsonObject | null {
  try {
    const plain = typeof input === 'string' ? readPlainText(input, manner) : readPlainBytes(input, manner)
    if (plain !== null) return plain
    return readDocument(typeof input === 'string' ? input : decodeUtf8(input), manner.limits)
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}

/** Whether a strict JSON value is an object: neither null nor an array. */
export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

// ignoreBOM keeps the mark in the text, where the grammar then refuses it; the default would drop it in silence.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch {
    return malformed()
  }
}

const longestPlain = 8192
const openingBrace = 0x7b
const quote = 0x22
const backslash = 0x5c
const lastAscii = 0x7f

/**
 * A shortcut for texts without escapes, or null for all others, which are read letter by letter. Without escapes two
 * quotes are one string, so the strings of a text can be counted before it is read. If as many come out, no member was
 * named twice: of two the platform's parser would have dropped one, and its name with it.
 */
function readPlainText(text: string, manner: Manner): JsonObject | null {
  if (text.length > longestPlain || !text.startsWith('{') || !text.isWellFormed()) return null
  let quotes = 0
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit === backslash) return null
    if (unit === quote) quotes++
  }
  return readCounted(text, quotes, manner)
}

/** The same for bytes, if they are ASCII. */
function readPlainBytes(bytes: Uint8Array, manner: Manner): JsonObject | null {
  if (bytes.length > longestPlain || bytes[0] !== openingBrace) return null
  let quotes = 0
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0
    if (byte === backslash || byte > lastAscii) return null
    if (byte === quote) quotes++
  }
  return readCounted(asciiText(bytes), quotes, manner)
}

function readCounted(text: string, quotes: number, { limits, keepsPrototypes }: Manner): JsonObject | null {
  const found: JsonObject = JSON.parse(text)
  const { maxDepth = 16, maxMembers = 1000 } = limits
  const left = { depth: maxDepth, members: maxMembers, strings: quotes / 2, keepsPrototypes }
  return takeMembers(found, left) && left.strings === 0 ? found : null
}

type Left = { depth: number; members: number; strings: number; readonly keepsPrototypes: boolean }

/** Counts what is there. False past a limit and at a number that is not finite, where the long way says the same. */
function takeMembers(found: object, left: Left): boolean {
  const members = Object.values(found)
  left.depth--
  left.members -= members.length
  if (left.depth < 0 || left.members < 0) return false
  if (!Array.isArray(found)) {
    left.strings -= members.length
    if (!left.keepsPrototypes) Object.setPrototypeOf(found, null)
  }
  for (const member of members) {
    if (typeof member === 'string') left.strings--
    else if (typeof member === 'number') {
      if (!Number.isFinite(member)) return false
    } else if (typeof member === 'object' && member !== null && !takeMembers(member, left)) return false
  }
  left.depth++
  return true
}

function readDocument(text: string, limits: JsonLimits): JsonObject {
  if (!text.isWellFormed()) malformed()
  const cursor: Cursor = { text, at: 0, membersLeft: limits.maxMembers ?? 1000 }
  skip(cursor)
  if (text[cursor.at] !== '{') malformed()
  const found = readObject(cursor, limits.maxDepth ?? 16)
  skip(cursor)
  return cursor.at === text.length ? found : malformed()
}

function readValue(cursor: Cursor, depthLeft: number): JsonValue {
  const first = cursor.text[cursor.at]
  if (first === '{') return readObject(cursor, depthLeft)
  if (first === '[') return readArray(cursor, depthLeft)
  if (first === '"') return readString(cursor)
  for (const [word, value] of words) {
    if (!cursor.text.startsWith(word, cursor.at)) continue
    cursor.at += word.length
    return value
  }
  return readNumber(cursor)
}

function readObject(cursor: Cursor, depthLeft: number): JsonObject {
  if (depthLeft <= 0) malformed()
  const object: { [name: string]: JsonValue } = Object.create(null)
  cursor.at++
  skip(cursor)
  if (took(cursor, '}')) return object
  for (;;) {
    if (cursor.text[cursor.at] !== '"') malformed()
    const name = readString(cursor)
    if (Object.hasOwn(object, name)) malformed()
    skip(cursor)
    if (!took(cursor, ':')) malformed()
    object[name] = readMember(cursor, depthLeft)
    if (took(cursor, '}')) return object
    if (!took(cursor, ',')) malformed()
    skip(cursor)
  }
}

function readArray(cursor: Cursor, depthLeft: number): readonly JsonValue[] {
  if (depthLeft <= 0) malformed()
  const elements: JsonValue[] = []
  cursor.at++
  skip(cursor)
  if (took(cursor, ']')) return elements
  for (;;) {
    elements.push(readMember(cursor, depthLeft))
    if (took(cursor, ']')) return elements
    if (!took(cursor, ',')) malformed()
  }
}

function readMember(cursor: Cursor, depthLeft: number): JsonValue {
  if (cursor.membersLeft-- <= 0) malformed()
  skip(cursor)
  const value = readValue(cursor, depthLeft - 1)
  skip(cursor)
  return value
}

function readString(cursor: Cursor): string {
  const start = cursor.at++
  for (;;) {
    const unit = cursor.text[cursor.at]
    if (unit === undefined) malformed()
    cursor.at += unit === '\\' ? 2 : 1
    if (unit === '"') break
  }
  const value: unknown = JSON.parse(cursor.text.slice(start, cursor.at))
  if (typeof value !== 'string' || !value.isWellFormed()) malformed()
  return value
}

function readNumber(cursor: Cursor): number {
  number.lastIndex = cursor.at
  const literal = number.exec(cursor.text)?.[0] ?? malformed()
  cursor.at += literal.length
  const value = Number(literal)
  return Number.isFinite(value) ? value : malformed()
}

function skip(cursor: Cursor): void {
  whiteSpace.lastIndex = cursor.at
  cursor.at += whiteSpace.exec(cursor.text)?.[0].length ?? 0
}

function took(cursor: Cursor, unit: string): boolean {
  if (cursor.text[cursor.at] !== unit) return false
  cursor.at++
  return true
}

function malformed(): never {
  throw new SyntaxError('not strict JSON')
}
