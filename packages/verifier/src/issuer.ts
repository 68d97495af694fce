import type { Checker } from './checker.ts'
import { feedWindowSeconds } from './feed.ts'
import { createFollower, type Follower } from './follower.ts'
import { parseJsonObject } from './json.ts'
import { parseKeySet } from './key-set.ts'
import { createKeys, type Keys } from './keys.ts'
import { backoff, type Machine, pause } from './machine.ts'
import { type Addresses, readMetadata } from './metadata.ts'
import { createQuestions, type Said } from './questions.ts'
import { type Client, createRequests } from './requests.ts'
import type { Statement } from './statement.ts'
import { mostCookies, readStatement, readStatements } from './wire.ts'

/** The server as a verifier sees it: its keys, its feed, and what it answers. */
export type Issuer = {
  readonly keys: Keys
  /** Whether a genuine token is still good. */
  askToken(token: string, maxStale: number): Promise<Said<boolean> | null>
  /** What there is to say about a cookie. */
  askCookie(cookie: string, maxStale: number): Promise<Said<Statement | null> | null>
  /** Finds the server and follows it until the end. Resolves once that has worked, or has failed for the first time. */
  start(): Promise<void>
  /** Asks nothing and follows nothing any more. Comes back when the server knows, or was told in vain. */
  close(): Promise<void>
  isConnected(): boolean
}

const answerWithin = 2_000
const settledWithin = 3_000
const keysLookedAfter = 60_000

export function createIssuer(given: {
  issuer: string
  client: Client | null
  maxStale: number
  checker: Checker
  machine: Machine
}): Issuer {
  const { issuer, client, maxStale, checker, machine } = given
  const requests = createRequests({ client, machine })
  let addresses: Addresses | null = null
  let follower: Follower | null = null
  let isClosed = false
  let complaint = ''
  let cancelLook = () => {}

  async function fetchPublic(address: string): Promise<string | null> {
    const answer = await requests.ask({ address, isPublic: true, milliseconds: answerWithin })
    return answer?.status === 200 ? answer.text : null
  }

  async function fetchKeys() {
    const text = addresses && (await fetchPublic(addresses.keys))
    return text === null ? null : parseKeySet(text)
  }
  const keys = createKeys({ machine, fetchKeys })

  async function discover(): Promise<Addresses | null> {
    const text = await fetchPublic(`${issuer}/.well-known/oauth-authorization-server`)
    if (text === null) return complain(`${issuer} does not answer`)
    const metadata = readMetadata(text, issuer)
    if (metadata.kind === 'refused') return complain(`the metadata of ${issuer} are refused: ${metadata.why}`)
    if (client !== null && metadata.addresses.feed === null)
      return complain(`${issuer} serves no feed of revocations`)
    return metadata.addresses
  }

  /** Once for each reason: it is tried again every second. */
  function complain(message: string): null {
    if (complaint !== message) machine.log({ level: 'error', message })
    complaint = message
    return null
  }

  async function until<Value>(
    work: () => Promise<Value | null>,
    onFailure: () => void,
  ): Promise<Value | null> {
    for (let failures = 0; !isClosed; failures++) {
      const found = await work()
      if (found !== null) return found
      onFailure()
      await pause(machine, backoff(machine, failures))
    }
    return null
  }

  /** `onSettled` hears once for the keys, once for the feed, and of every failure. */
  async function begin(onSettled: (part: 'keys' | 'feed' | 'failure') => void): Promise<void> {
    const onFailure = () => onSettled('failure')
    addresses = await until(discover, onFailure)
    if (addresses === null || isClosed) return
    if (addresses.feed !== null && client !== null) {
      const needs = { checker, machine, requests, addresses: addresses.feed, maxStale }
      const verifier = machine.nonce()
      const window = feedWindowSeconds.cookies
      follower = createFollower({
        ...{ ...needs, verifier, window },
        onKeys: keys.renew,
        onSettled: () => onSettled('feed'),
      })
      follower.start()
    }
    await until(
      async () => ((await keys.refresh()) ? true : complain('the keys cannot be fetched')),
      onFailure,
    )
    onSettled('keys')
    lookAfterKeys()
  }

  function lookAfterKeys(): void {
    if (isClosed) return
    keys.keepFresh()
    cancelLook = machine.after(keysLookedAfter, lookAfterKeys)
  }

  return {
    keys,
    askToken: createQuestions<boolean>({
      // Only a token whose signature holds is asked about, so nobody fills this with made-up ones.
      ...{ checker, machine, mostOpen: 200, mostTogether: 1 },
      async send([token = '']) {
        const text = new URLSearchParams({ token }).toString()
        const answer = await askFeed('introspection', { type: 'application/x-www-form-urlencoded', text })
        const active = answer === null ? undefined : parseJsonObject(answer)?.active
        return typeof active === 'boolean' ? [active] : null
      },
    }),
    askCookie: createQuestions<Statement | null>({
      ...{ checker, machine, mostOpen: 8, mostTogether: mostCookies },
      send: (cookies) => (cookies.length === 1 ? askAlone(cookies) : askTogether(cookies)),
    }),
    start() {
      return new Promise((resolve) => {
        const cancel = machine.after(settledWithin, resolve)
        const missing = new Set(client === null ? ['keys'] : ['keys', 'feed'])
        void begin((part) => {
          missing.delete(part)
          if (missing.size > 0 && part !== 'failure') return
          cancel()
          resolve()
        })
      })
    },
    close() {
      isClosed = true
      cancelLook()
      return follower?.close() ?? Promise.resolve()
    },
    isConnected: () => follower?.isConnected() ?? false,
  }

  async function askAlone([cookie]: readonly string[]): Promise<readonly (Statement | null)[] | null> {
    const answer = await askFeed('statement', { type: 'application/json', text: JSON.stringify({ cookie }) })
    const statement = answer === null ? undefined : readStatement(answer)
    return statement === undefined ? null : [statement]
  }

  async function askTogether(cookies: readonly string[]): Promise<readonly (Statement | null)[] | null> {
    const answer = await askFeed('statement', { type: 'application/json', text: JSON.stringify({ cookies }) })
    return answer === null ? null : readStatements(answer, cookies.length)
  }

  async function askFeed(
    name: 'introspection' | 'statement',
    body: { type: string; text: string },
  ): Promise<string | null> {
    const feed = addresses?.feed ?? null
    if (feed === null || isClosed) return null
    const answer = await requests.ask({ address: feed[name], body, milliseconds: answerWithin })
    return answer?.status === 200 ? answer.text : null
  }
}
