import { sha256 } from './cryptography.ts'
import { type Asked, createProof, type Exchanged } from './exchange.ts'
import type { Machine } from './machine.ts'
import { reachable } from './metadata.ts'
import type { Refusal } from './refusal.ts'
import { isEndOfGrant } from './worker-refusal.ts'
import type { Signer } from './worker-signing.ts'

/** A worker that acts for a user, under one grant. */
export type Acting = {
  /**
   * Sends a request as the user, with a token and the proof that belongs to it. A 401 is looked into once: the server is asked
   * whether the grant lives, and then the request is sent again (unless its body is a stream), or the end is thrown. Follows no redirect. An `Error` for an
   * address that the token is not for.
   */
  readonly fetch: (address: string | URL, init?: RequestInit) => Promise<Response>
  /** What such a request carries, for another HTTP client. The proof is good for this one request and one minute. */
  headers(method: string, address: string | URL): Promise<{ authorization: string; dpop: string }>
  /** An access token that has some time left. It is worth nothing without a proof by this worker's key. */
  token(): Promise<string>
  /** Why nothing more is done under this grant, once that is known. */
  ended(): Refusal | null
}

type Needs = {
  readonly asked: Asked
  /** Where tokens are sent, and nowhere else; null where the resource does not say it. */
  readonly origin: string | null
  readonly exchange: (asked: Asked) => Promise<Exchanged>
  readonly binding: Signer
  readonly machine: Machine
}

/** `number`: of the exchange that it came from. Times are milliseconds of the monotonic clock. */
type Access = {
  readonly token: string
  readonly number: number
  readonly renewAt: number
  readonly endsAt: number
}

/** A token is renewed when it has so much left, so that it does not end on its way and a server that is away is no matter. */
const spare = 60_000
const leastLeft = 5_000

export function createActing({ asked, origin, exchange, binding, machine }: Needs): Acting {
  let exchanges = 0
  let held: Access | null = null
  let renewing: { readonly number: number; readonly access: Promise<Access> } | null = null
  let end: Refusal | null = null
  const nonces = new Map<string, string>()

  async function renew(number: number): Promise<Access> {
    const { mono } = machine.now()
    try {
      const { token, lifeSeconds } = await exchange(asked)
      const life = lifeSeconds * 1000
      held = { token, number, renewAt: mono + life - Math.min(spare, life / 2), endsAt: mono + life }
      return held
    } catch (error) {
      if (isEndOfGrant(error)) end = error
      throw error
    } finally {
      renewing = null
    }
  }

  /** From an exchange that is on its way, or from one that begins now. */
  function renewed(): Promise<Access> {
    if (renewing === null) {
      const number = ++exchanges
      renewing = { number, access: renew(number) }
    }
    return renewing.access
  }

  async function current(): Promise<Access> {
    if (end !== null) throw end
    const { mono } = machine.now()
    const known = held
    if (known !== null && mono < known.renewAt) return known
    try {
      return await renewed()
    } catch (error) {
      const isGoodYet = known !== null && end === null && machine.now().mono < known.endsAt - leastLeft
      if (isGoodYet) return known
      throw error
    }
  }

  /** What an exchange says that began after this moment: one before it may have been answered before the end. */
  async function asking(): Promise<Access> {
    const before = exchanges
    if (renewing !== null) await renewing.access.catch(() => {})
    if (end !== null) throw end
    return held !== null && held.number > before ? held : renewed()
  }

  function urlOf(address: string | URL): URL {
    const url = new URL(address)
    if (url.origin === origin) return url
    throw new Error(
      `this token is for ${origin ?? 'no address that is known: give origin'}, not for ${url.origin}`,
    )
  }

  async function carried(access: Access, method: string, url: URL) {
    const { token } = access
    const proof = {
      ...{ method, url: url.href, iat: Math.floor(machine.now().wall / 1000), id: machine.nonce() },
      ...{ nonce: nonces.get(url.origin), ath: sha256(token) },
    }
    return { authorization: `DPoP ${token}`, dpop: await createProof(binding, proof) }
  }

  async function send(access: Access, url: URL, init: RequestInit): Promise<Response> {
    // As fetch will write it: the proof names the method byte for byte.
    const { method } = new Request(url, { method: init.method ?? 'GET' })
    const headers = new Headers(init.headers)
    for (const [name, value] of Object.entries(await carried(access, method, url))) headers.set(name, value)
    const redirect = init.redirect === 'manual' ? 'manual' : 'error'
    const response = await machine.fetch(reachable(url.href), { ...init, method, headers, redirect })
    const nonce = response.headers.get('dpop-nonce')
    if (nonce !== null) nonces.set(url.origin, nonce)
    return response
  }

  async function sendAsUser(address: string | URL, init: RequestInit = {}): Promise<Response> {
    const url = urlOf(address)
    const isStream = typeof init.body === 'object' && init.body !== null && Symbol.asyncIterator in init.body
    let access = await current()
    let isAsked = false
    for (let round = 0; ; round++) {
      const response = await send(access, url, init)
      if (response.status !== 401 || round === 2) return response
      const wantsNonce = /use_dpop_nonce/.test(response.headers.get('www-authenticate') ?? '')
      if (!wantsNonce) {
        if (isAsked) return response
        access = await asking()
        isAsked = true
      }
      if (isStream) return response
      await response.body?.cancel()
    }
  }

  return {
    fetch: sendAsUser,
    async headers(method, address) {
      return carried(await current(), method, urlOf(address))
    },
    token: async () => (await current()).token,
    ended: () => end,
  }
}
