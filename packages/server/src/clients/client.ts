import type { ClientMethod } from '../db/schema.ts'

/** The built-in public client that owns whatever `/auth/*` hands out. */
export const firstPartyClient = 'first-party'

/** Ways to prove oneself; `none` proves nothing. */
export const clientMethods: readonly ClientMethod[] = [
  'client_secret_basic',
  'client_secret_post',
  'private_key_jwt',
]

/** What an operator registered. */
export type RegisteredClient = {
  id: string
  name: string
  /** Known by its name alone, which anybody may give. */
  isPublic: boolean
  /** All that it may ever ask for. */
  scopes: readonly string[]
}

/** A client as it was read when it proved itself. */
export type ProvenClient = RegisteredClient & {
  /** The feed position of the very read that its proof was checked against. */
  asOf: number
  /** The time before that read. */
  readStart: number
}

/** What may be done in the name of the built-in client needs no reading: it is there, and its rights are none. */
export const builtInClient: ProvenClient = Object.freeze({
  id: firstPartyClient,
  name: firstPartyClient,
  isPublic: true,
  scopes: Object.freeze([]),
  asOf: 0,
  readStart: 0,
})

/** RFC 6749 A.1. What else somebody calls himself is not even looked for: PostgreSQL takes no text with a NUL in it. */
export const isClientId = (text: string): boolean => /^[\x20-\x7e]{1,256}$/.test(text)

const scopeToken = /^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/
const mostScopes = 100

/** The words of a scope (RFC 6749 3.3), each once; `null` where it is not of that form. */
export function readScope(text: string): string[] | null {
  if (text === '') return []
  const words = [...new Set(text.split(' '))]
  return words.length <= mostScopes && words.every((word) => scopeToken.test(word)) ? words : null
}
