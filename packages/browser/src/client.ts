import { createAudience } from './audience.ts'
import { createSendBound } from './bound.ts'
import { signedInOf } from './carrier.ts'
import { createCookieCarrier } from './cookie-carrier.ts'
import { type SessionState, type SignedIn, stateOf } from './known.ts'
import { bounded, type Machine } from './machine.ts'
import type { ClientOptions } from './options.ts'
import { createPeers } from './peers.ts'
import { codesOf, readJson, refusalOf } from './refusal.ts'
import { createTabs } from './tabs.ts'
import { createTokenCarrier } from './token-carrier.ts'
import { createVault } from './vault.ts'

export type Client = {
  /** Throws a `Refusal`, such as `sign_in_failed` or `too_many_attempts`. Every tab of this browser is signed in then. */
  signIn(given: { email: string; password: string }): Promise<SignedIn>
  /**
   * Ends the session and signs out every tab. Throws if the server could not be told; by token nobody can use the
   * session any more even then, since its key is gone.
   */
  signOut(): Promise<void>
  /**
   * Who is signed in, or null. The server is asked once per browser, however many tabs and components ask; `fresh`
   * asks it now. What was learned may have ended since: the server decides at every request.
   */
  session(options?: { fresh?: boolean }): Promise<SignedIn | null>
  /**
   * Like the platform's. A request to the issuer is sent as whoever is signed in; by token it follows no redirect, and
   * a token that has run out is renewed first. A request to an audience goes with a bound token, one to any
   * other origin is passed on as it is, without anything.
   */
  fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response>
  /**
   * Posts to one of the server's own endpoints that answer with a credential, and takes it over: `/auth/verify-email`,
   * `/auth/reauthenticate`, `/auth/password/change`, `/auth/sign-up`. Null where none was handed out. Of the token carrier
   * also `/auth/carrier`: `{ password }` takes over the session that this browser's cookie carries, and with
   * `carrier: 'cookie'` gives it to the cookie and forgets it here (null).
   */
  prove(path: string, fields: object): Promise<SignedIn | null>
  /** What is known at this moment; for frameworks. The same object until something changes. */
  state(): SessionState
  /** Calls `listener` at every change of `state`, whichever tab it came from, until what it returns is called. */
  subscribe(listener: () => void): () => void
  /** Stops listening to the other tabs. Signs nobody out. */
  close(): void
}

/** How long a page that was just opened looks around for another tab that knows who is signed in. Milliseconds. */
const firstGlance = 25

export function createClientOn(machine: Machine, options: ClientOptions): Client {
  const { issuer: given, carrier: kind, audiences = [] } = options
  const listeners = new Set<() => void>()
  let state = stateOf(undefined)
  let asking: Promise<SignedIn | null> | null = null
  let opened: ReturnType<typeof open> | null = null

  /** Not before it is needed: a page that is rendered on a server has none of this. */
  function open() {
    const issuer = given ?? machine.origin()
    const name = `counterfoil ${kind} ${issuer}`
    const peers = createPeers(issuer, machine.now)
    const tabs = createTabs(machine, {
      name,
      onChange({ session, ahead }) {
        if (ahead !== 0) peers.suppose(ahead)
        show(stateOf(session))
      },
    })
    const sendBound = createSendBound(machine, peers)
    const needs = { machine, tabs, peers, sendBound, issuer }
    const vault = createVault(machine.database, name)
    if (kind === 'cookie' && issuer !== machine.origin())
      throw new TypeError('A cookie is for pages of the issuer’s own origin. Use the token carrier.')
    const carrier = kind === 'cookie' ? createCookieCarrier(needs) : createTokenCarrier({ ...needs, vault })
    // By token the session's own goes there, bound as it is; a cookie stays at home and is exchanged.
    const others = new Map(
      audiences.map((audience) => [
        new URL(audience).origin,
        kind === 'cookie' ? createAudience({ ...needs, audience }) : carrier.send,
      ]),
    )
    return { issuer, tabs, carrier, others }
  }

  function parts() {
    opened ??= open()
    return opened
  }

  function show(next: SessionState): void {
    if (JSON.stringify(next) === JSON.stringify(state)) return
    state = next
    for (const listener of listeners) listener()
  }

  /** Alone among the tabs: whoever waited finds that another one has asked. */
  async function ask(fresh: boolean): Promise<SignedIn | null> {
    const { tabs, carrier, issuer } = parts()
    if (!fresh && tabs.known().session === undefined) await tabs.ask(firstGlance)
    const { session } = tabs.known()
    if (!fresh && session !== undefined) return session
    const found = (await carrier.mayBeSignedIn()) ? await read(`${issuer}/auth/session`) : null
    tabs.tell({ session: found })
    return found
  }

  async function read(url: string): Promise<SignedIn | null> {
    const response = await parts().carrier.send(new Request(url, bounded({ credentials: 'same-origin' })))
    if (response.status === 401) return null
    if (!response.ok) throw await refusalOf(response)
    return signedInOf(await readJson(response))
  }

  async function session({ fresh = false } = {}): Promise<SignedIn | null> {
    const { tabs } = parts()
    const known = tabs.known().session
    if (known !== undefined && !fresh) return known
    asking ??= tabs
      .alone('session', () => ask(fresh))
      .catch((error) => {
        if (state.session === null) show({ status: 'failed', session: null, error })
        throw error
      })
      .finally(() => {
        asking = null
      })
    return asking
  }

  async function send(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
    const { issuer, carrier, tabs, others } = parts()
    const request = new Request(input, init)
    const { origin } = new URL(request.url)
    if (origin !== issuer) return others.get(origin)?.(request) ?? machine.send(request)
    const response = await carrier.send(request)
    // Ended elsewhere: by another device, or by time.
    if (
      response.status === 401 &&
      tabs.known().session &&
      (await codesOf(response)).includes('credential_missing')
    )
      tabs.tell({ session: null, access: null })
    return response
  }

  async function prove(path: string, fields: object): Promise<SignedIn | null> {
    return parts().carrier.prove(path, fields)
  }

  return {
    session,
    prove,
    fetch: send,
    async signIn({ email, password }) {
      const signedIn = await prove('/auth/sign-in', { email, password })
      if (signedIn === null) throw new Error('the server signed nobody in')
      return signedIn
    },
    signOut: async () => parts().carrier.signOut(),
    state: () => state,
    subscribe(listener) {
      parts()
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    close: () => opened?.tabs.close(),
  }
}
