import { refuse } from './refusal.ts'

/** What the client asks of the browser. Everything else is given it, so that it can be tried at any time of day. */
export type Machine = {
  /** What the device believes to be the time, in milliseconds. It may be hours off. */
  now(): number
  /** Unguessable and never the same twice. */
  id(): string
  send(request: Request): Promise<Response>
  subtle(): SubtleCrypto
  database(): IDBFactory
  locks(): LockManager
  channel(name: string): BroadcastChannel
  after(milliseconds: number, act: () => void): void
  origin(): string
}

// A server that accepts the connection and never answers must not hold the lock of all tabs for ever.
const answerWithin = 30_000

export const browserMachine: Machine = {
  now: () => Date.now(),
  id: () => crypto.randomUUID(),
  send: (request) => fetch(request),
  subtle: () => secure().crypto.subtle,
  database() {
    if (typeof indexedDB === 'undefined') refuse('storage_unavailable', noStorage)
    return indexedDB
  },
  locks: () => secure().navigator.locks,
  channel: (name) => new BroadcastChannel(name),
  after: (milliseconds, act) => void setTimeout(act, milliseconds),
  origin: () => location.origin,
}

export const noStorage =
  'This browser keeps no IndexedDB for this page, so there is nowhere to keep a key. Allow site data, or use the cookie carrier.'

/** Browsers give keys and locks only to pages that nobody on the way can have written. */
function secure(): typeof globalThis {
  if (!globalThis.isSecureContext)
    refuse('context_insecure', 'This page has to be served over https, or from localhost.')
  return globalThis
}

/** A request to the server itself, bounded in time. */
export function bounded(init: RequestInit): RequestInit {
  return { ...init, cache: 'no-store', redirect: 'error', signal: AbortSignal.timeout(answerWithin) }
}
