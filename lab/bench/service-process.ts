// A service that checks its requests, as a process of its own: it follows the feed, and a flow of requests runs through
// it. `revocation.ts` starts it and tells it what to look out for.
import { type Client, createVerifier, Refusal, sessionCookieName, type Verifier } from '@counterfoil/verifier'

export type Shown = { readonly carrier: 'cookie' | 'token'; readonly value: string }

export type Told =
  | { kind: 'start'; issuer: string; client: Client; maxStale: number }
  /** Remember these, and let requests with them flow. */
  | { kind: 'warm'; name: string; shown: readonly Shown[] }
  /** Requests in each millisecond's turn, beside the one that is watched. */
  | { kind: 'load'; perTurn: number }
  /** From now on one request with this credential in each turn, until `rest`. */
  | { kind: 'watch'; name: string; shown: Shown }
  | { kind: 'rest'; name: string }
  | { kind: 'stop' }

/** Times are nanoseconds of the machine's monotonic clock, which all of its processes share. */
export type Heard =
  | { kind: 'done'; name: string }
  | { kind: 'refused'; name: string; at: bigint; lastAccepted: bigint; checks: number }
  | { kind: 'rested'; name: string; lastAccepted: bigint; checks: number; acceptedAgain: number }

type Watch = {
  readonly name: string
  readonly shown: Shown
  lastAccepted: bigint
  isRefused: boolean
  acceptedAgain: number
}

const say = (heard: Heard) => process.send?.(heard)
let verifier: Verifier | null = null
let flow: Shown[] = []
let next = 0
let perTurn = 0
let checks = 0
let watched: Watch | null = null

const requestWith = ({ carrier, value }: Shown) => ({
  method: 'GET',
  headers:
    carrier === 'cookie' ? { cookie: `${sessionCookieName}=${value}` } : { authorization: `Bearer ${value}` },
})

async function isAccepted(by: Verifier, shown: Shown): Promise<boolean> {
  checks++
  try {
    return (await by.identify(requestWith(shown))) !== null
  } catch (error) {
    if (error instanceof Refusal) return false
    throw error
  }
}

async function lookOut(by: Verifier, watch: Watch): Promise<void> {
  const accepted = await isAccepted(by, watch.shown)
  const at = process.hrtime.bigint()
  if (accepted) {
    watch.lastAccepted = at
    if (watch.isRefused) watch.acceptedAgain++
  } else if (!watch.isRefused) {
    watch.isRefused = true
    say({ kind: 'refused', name: watch.name, at, lastAccepted: watch.lastAccepted, checks })
  }
}

/** A server that is busy may not answer within the time that a verifier gives it. */
async function remember(by: Verifier, shown: Shown): Promise<void> {
  for (let attempt = 1; !(await isAccepted(by, shown)); attempt++) {
    if (attempt === 5) throw new Error(`a ${shown.carrier} of a live session is refused`)
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

/** Nothing here waits for an answer of the server: a request that has to ask holds up none of the others. */
function turn(): void {
  if (verifier === null) return
  if (watched !== null) void lookOut(verifier, watched)
  for (let count = 0; count < perTurn && flow.length > 0; count++) {
    const shown = flow[next++ % flow.length]
    if (shown !== undefined && shown !== watched?.shown) void isAccepted(verifier, shown)
  }
  setTimeout(turn, 1)
}

async function obey(told: Told): Promise<void> {
  if (told.kind === 'start') {
    const { issuer, client, maxStale } = told
    const own = { issuer, audience: issuer, origin: 'https://api.example', client, maxStale, log: () => {} }
    verifier = await createVerifier(own)
    // On a machine that is busy it gives up waiting before the first heartbeat has come.
    while (!verifier.status().connected) await new Promise((resolve) => setTimeout(resolve, 50))
    turn()
    say({ kind: 'done', name: 'start' })
  } else if (told.kind === 'warm' && verifier !== null) {
    for (const shown of told.shown) await remember(verifier, shown)
    flow = [...told.shown]
    say({ kind: 'done', name: told.name })
  } else if (told.kind === 'load') {
    perTurn = told.perTurn
  } else if (told.kind === 'watch') {
    watched = { ...told, lastAccepted: 0n, isRefused: false, acceptedAgain: 0 }
    flow = flow.filter(({ value }) => value !== told.shown.value)
    say({ kind: 'done', name: told.name })
  } else if (told.kind === 'rest') {
    const { lastAccepted, acceptedAgain } = watched ?? { lastAccepted: 0n, acceptedAgain: 0 }
    say({ kind: 'rested', name: told.name, lastAccepted, checks, acceptedAgain })
    watched = null
  } else if (told.kind === 'stop') {
    await verifier?.close()
    process.exit(0)
  }
}

process.on('message', (told: Told) => void obey(told))
process.on('disconnect', () => process.exit(0))
