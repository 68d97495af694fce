import { type StreamMessage, writeMessage } from '../wire.ts'
import { type HandMachine, handMachine } from './machine.ts'

export const issuer = 'https://auth.example'

export type Connection = {
  readonly verifier: string
  readonly nonce: string
  readonly maxStale: number
  readonly lastEventId: string | null
  /** Whether the verifier has not ended it. */
  isOpen(): boolean
  send(message: StreamMessage, id?: string): void
  sendText(text: string): void
  end(): void
}

/** A server of a few lines, over the network of a hand machine: what it says is the test's to say. */
export type HandHub = {
  readonly machine: HandMachine
  readonly connections: Connection[]
  /** What is answered to each path, by its last part: a document, or a status. */
  readonly answers: Record<
    string,
    object | number | ((init: RequestInit) => object | number | null | Promise<never>)
  >
  /** How many requests have come for a path. */
  count(name: string): number
  hello(connection: Connection, head?: number, epoch?: number): void
  heartbeat(connection: Connection, head?: number, epoch?: number): void
}

export function handHub(): HandHub {
  const connections: Connection[] = []
  const names = ['stream', 'snapshot', 'log', 'ack', 'statement']
  const answers: HandHub['answers'] = {
    'oauth-authorization-server': {
      issuer,
      jwks_uri: `${issuer}/keys`,
      introspection_endpoint: `${issuer}/introspect`,
      ...Object.fromEntries(names.map((name) => [`feed_${name}_endpoint`, `${issuer}/${name}`])),
    },
    keys: { keys: [] },
    snapshot: { epoch: 1, position: 5, window: 3900, entries: [] },
    introspect: { active: true },
    statement: { statement: null },
    ack: 204,
    stream: 200,
  }
  const nameOf = (address: string) => new URL(address).pathname.split('/').at(-1) ?? ''
  const machine = handMachine(async (address, init) => {
    const given = answers[nameOf(address)] ?? 404
    const answer = await (typeof given === 'function' ? given(init) : given)
    if (answer === null) return null
    if (typeof answer === 'object') return Response.json(answer)
    if (nameOf(address) === 'stream' && answer === 200) return openStream(connections, address, init)
    return new Response(null, { status: answer })
  })
  const times = () => ({ hub: 'hub', at: machine.now().mono })
  return {
    machine,
    connections,
    answers,
    count: (name) => machine.requests.filter(({ address }) => nameOf(address) === name).length,
    hello: (connection, head = 5, epoch = 1) =>
      connection.send({ kind: 'hello', ...times(), nonce: connection.nonce, epoch, head }),
    heartbeat(connection, head = 5, epoch = 1) {
      const { mono, wall } = machine.now()
      connection.send({ kind: 'heartbeat', hub: 'hub', epoch, head, a: mono, wall }, `${epoch}.${head}`)
    },
  }
}

function openStream(connections: Connection[], address: string, init: RequestInit): Response {
  const { searchParams } = new URL(address)
  let out: ReadableStreamDefaultController<Uint8Array> | null = null
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      out = controller
    },
  })
  const isOpen = () => init.signal?.aborted !== true
  init.signal?.addEventListener('abort', () => out?.error(new Error('aborted')))
  const sendText = (text: string) => out?.enqueue(new TextEncoder().encode(text))
  connections.push({
    verifier: searchParams.get('verifier') ?? '',
    nonce: searchParams.get('nonce') ?? '',
    maxStale: Number(searchParams.get('max_stale')),
    lastEventId: new Headers(init.headers).get('last-event-id'),
    isOpen,
    sendText,
    send(message, id) {
      const { event, data } = writeMessage(message)
      sendText(`${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${data}\n\n`)
    },
    end: () => out?.close(),
  })
  return new Response(body, { headers: { 'content-type': 'text/event-stream; charset=utf-8' } })
}
