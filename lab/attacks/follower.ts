import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import {
  admit,
  type Checker,
  checkAccessToken,
  createChecker,
  type Instant,
  keysOf,
  look,
  parseKeySet,
  Refusal,
  readLog,
  readMessage,
  readSnapshot,
  readStatement,
  restartChecker,
  type Statement,
  type StreamMessage,
  statementOf,
  steadyAt,
  stepView,
  type ViewEffect,
  type ViewEvent,
} from '@counterfoil/verifier'
import { basic, type TestHouse } from 'counterfoil/house'

/**
 * A verifier whose wire is in the attacker's hands: the real view and the real checks over what a real server answers,
 * on a clock that is moved by hand. It asks nobody about tokens, so that `stale` shows.
 */
export type Follower = {
  readonly checker: Checker
  /** What the attacker does to the wire. */
  readonly wire: Wire
  /** Why connections were not believed. */
  readonly distrusted: string[]
  connect(): Promise<void>
  /** Takes in what has come since the last time. */
  hear(): Promise<void>
  token(token: string, maxStale?: number): Promise<Verdict>
  cookie(value: string, maxStale?: number): Promise<Verdict>
  /** From now on it talks to another process, when it connects anew. */
  moveTo(home: TestHouse): void
}

/** stale: nobody can say, which is answered 503. */
export type Verdict = 'accepted' | 'ended' | 'nobody' | 'stale' | 'invalid'

export type Wire = {
  isCut: boolean
  /** What becomes of the messages on the stream. */
  stream: (messages: readonly StreamMessage[]) => readonly StreamMessage[]
  /** What becomes of the answer to a request, by its path. */
  answer: (path: string, answer: Response) => Response | Promise<Response>
}

type Id = { id: string; epoch: number; position: number }

export async function follower(
  first: TestHouse,
  given: { now?: () => Instant; client?: { client_id: string; client_secret: string } } = {},
): Promise<Follower> {
  const { now = first.machine.clock.instant } = given
  const client = given.client ?? (await first.house.clients.add('lab'))
  const authorization = basic(client.client_id, client.client_secret)
  const verifier = randomUUID()
  const checker = createChecker({ now: now(), entries: 1000 })
  const wire: Wire = { isCut: false, stream: (messages) => messages, answer: (_, answer) => answer }
  const distrusted: string[] = []
  let home = first
  let link = 0
  let stream: Reading | null = null
  let ids: Id[] = []

  async function ask(
    path: string,
    json?: object,
    headers: Record<string, string> = {},
  ): Promise<Response | null> {
    if (wire.isCut) return null
    const request = new Request(new URL(path, home.issuer), {
      method: json === undefined ? 'GET' : 'POST',
      headers: { authorization, 'content-type': 'application/json', ...headers },
      ...(json && { body: JSON.stringify(json) }),
    })
    return wire.answer(path, await home.house.fetch(request))
  }

  async function read<Value>(path: string, parse: (text: string) => Value): Promise<Value | null> {
    const answer = await ask(path)
    return answer?.status === 200 ? parse(await answer.text()) : null
  }

  async function step(event: ViewEvent): Promise<void> {
    for (const effect of stepView(checker.view, event, now())) await perform(effect)
  }

  async function perform(effect: ViewEffect): Promise<void> {
    if (effect.kind === 'snapshot') {
      const snapshot = await read('/feed/snapshot?window=3900', readSnapshot)
      if (snapshot !== null) await step({ kind: 'snapshot', snapshot })
    } else if (effect.kind === 'log') {
      const found = await read(`/feed/log?from=${effect.from}&to=${effect.to}`, readLog)
      if (found !== null) await step({ kind: 'revoked', ...found, wantsAck: false })
    } else if (effect.kind === 'ack') {
      await ask('/feed/ack', { verifier, position: effect.position })
    } else if (effect.kind === 'restart') {
      restartChecker(checker, now())
      await leave()
    } else {
      distrusted.push(effect.why)
      await leave()
    }
  }

  async function leave(): Promise<void> {
    await step({ kind: 'closed', link })
    await stream?.leave()
    stream = null
  }

  async function connect(): Promise<void> {
    await leave()
    const nonce = randomUUID()
    await step({ kind: 'opened', link: ++link, nonce })
    const { epoch, applied } = checker.view
    const known = ids.findLast((one) => one.epoch === epoch && one.position <= applied)
    const query = new URLSearchParams({ verifier, nonce, max_stale: '20' })
    const answer = await ask(`/feed/stream?${query}`, undefined, known && { 'last-event-id': known.id })
    if (answer?.status !== 200 || answer.body === null) return
    stream = reading(answer.body)
    await hear()
  }

  async function hear(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    const heard = stream?.take() ?? []
    if (wire.isCut) return
    for (const { id, message } of heard) {
      const position = message.kind === 'revoked' ? (message.entries.at(-1)?.position ?? 0) : message.head
      if (id !== null) ids = [...ids, { id, epoch: message.epoch, position }].slice(-100)
    }
    for (const message of wire.stream(heard.map((one) => one.message)))
      await step(message.kind === 'revoked' ? message : { ...message, link })
  }

  function judge(carried: 'cookies' | 'tokens', credential: string, maxStale: number): Verdict | 'cold' {
    const seen = look(checker, { carried, credential, maxStale: maxStale * 1000 }, now())
    if (seen.kind === 'cold') return 'cold'
    return seen.kind === 'accept' ? 'accepted' : 'stale'
  }

  function take(carried: 'cookies' | 'tokens', credential: string, statement: Statement, askedAt: number) {
    return admit(checker, { carried, credential, statement, keys: keysOf(statement), askedAt }, now()).kind
  }

  /** Keys are public and may be kept, so a wire that is cut takes nothing away. */
  async function proven(token: string): Promise<Statement | null> {
    const answer = await home.house.fetch(new Request(`${home.issuer}/.well-known/jwks.json`))
    const keys = parseKeySet(await answer.text())
    const kid = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid
    assert.ok(keys)
    const { issuer } = home
    try {
      const seconds = Math.floor(now().wall / 1000)
      const claims = checkAccessToken(token, {
        keys,
        issuer,
        audience: issuer,
        now: seconds,
        skewSeconds: 30,
      })
      return statementOf(claims, kid)
    } catch (error) {
      if (error instanceof Refusal) return null
      throw error
    }
  }

  return {
    ...{ checker, wire, distrusted, connect, hear },
    moveTo(other) {
      home = other
    },
    async token(token, maxStale = 20) {
      const known = judge('tokens', token, maxStale)
      if (known !== 'cold') return known
      const statement = await proven(token)
      if (statement === null) return 'invalid'
      const taken = take('tokens', token, statement, 0)
      if (taken === 'expired') return 'stale'
      const found = taken === 'admitted' ? judge('tokens', token, maxStale) : 'ended'
      return found === 'cold' ? 'ended' : found
    },
    async cookie(value, maxStale = 20) {
      for (let round = 0; round < 3; round++) {
        const known = judge('cookies', value, maxStale)
        if (known === 'accepted') return known
        const askedAt = steadyAt(checker.view.steady, now())
        const answer = await ask('/feed/statement', { cookie: value })
        const statement = answer?.status === 200 ? readStatement(await answer.text()) : undefined
        if (statement === undefined) return 'stale'
        if (statement === null) return 'nobody'
        const taken = take('cookies', value, statement, askedAt)
        if (taken === 'dead') return 'nobody'
        if (taken === 'expired') return 'stale'
      }
      return judge('cookies', value, maxStale) === 'accepted' ? 'accepted' : 'stale'
    },
  }
}

type Reading = { take(): { id: string | null; message: StreamMessage }[]; leave(): Promise<void> }

function reading(body: ReadableStream<Uint8Array>): Reading {
  const reader = body.getReader()
  let text = ''
  const pump = async () => {
    const decoder = new TextDecoder()
    for (let part = await reader.read(); !part.done; part = await reader.read())
      text += decoder.decode(part.value, { stream: true })
  }
  pump().catch(() => {})
  return {
    take() {
      const events = text.split('\n\n')
      text = events.pop() ?? ''
      return events.map((event) => {
        const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(event)?.[1] ?? null
        const message = readMessage(field('event') ?? '', field('data') ?? '')
        assert.ok(message, event)
        return { id: field('id'), message }
      })
    },
    leave: () => reader.cancel(),
  }
}
