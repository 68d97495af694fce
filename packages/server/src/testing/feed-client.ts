import { readMessage, type StreamMessage } from '@counterfoil/verifier'
import type { TestHouse } from './house.ts'

/** A service that is known to the server, and what it hears and says, over the server's own handler. */
export type FeedClient = {
  readonly id: string
  readonly secret: string
  readonly authorization: string
  get(path: string, headers?: Record<string, string>): Promise<Response>
  post(path: string, json: object): Promise<Response>
  introspect(token: string): Promise<Response>
  listen(given?: {
    verifier?: string
    nonce?: string
    maxStale?: number
    lastEventId?: string
  }): Promise<FeedListener>
}

export type Heard = { message: StreamMessage; id: string | null }

export type FeedListener = {
  readonly verifier: string
  readonly nonce: string
  /** All that has come since the last time. */
  heard(): Promise<Heard[]>
  /** Whether the server has let go of it. */
  isOver(): boolean
  leave(): Promise<void>
}

export function basic(id: string, secret: string): string {
  return `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`
}

export async function feedClient(
  { house, issuer, machine }: TestHouse,
  name = 'api',
  on: Pick<TestHouse, 'house'> = { house },
): Promise<FeedClient> {
  const { client_id: id, client_secret: secret } = await house.clients.add(name)
  const authorization = basic(id, secret)
  const send = (method: string, path: string, more: RequestInit & { headers?: Record<string, string> }) =>
    on.house.fetch(
      new Request(new URL(path, issuer), { method, ...more, headers: { authorization, ...more.headers } }),
    )
  const get = (path: string, headers: Record<string, string> = {}) => send('GET', path, { headers })

  return {
    ...{ id, secret, authorization, get },
    post: (path, json) =>
      send('POST', path, {
        body: JSON.stringify(json),
        headers: { 'content-type': 'application/json' },
      }),
    introspect: (token) =>
      send('POST', '/oauth/introspect', {
        body: new URLSearchParams({ token }).toString(),
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      }),
    async listen({
      verifier = machine.entropy.id(),
      nonce = machine.entropy.id(),
      maxStale = 20,
      lastEventId,
    } = {}) {
      const query = new URLSearchParams({ verifier, nonce, max_stale: String(maxStale) })
      const headers = lastEventId === undefined ? {} : { 'last-event-id': lastEventId }
      const response = await get(`/feed/stream?${query}`, headers)
      if (response.status !== 200 || response.body === null)
        throw new Error(`no stream: ${response.status} ${await response.text()}`)
      return { verifier, nonce, ...reading(response.body) }
    },
  }
}

/** Reads all the time, as the network does; what came waits to be asked for. */
function reading(body: ReadableStream<Uint8Array>): Pick<FeedListener, 'heard' | 'isOver' | 'leave'> {
  const reader = body.getReader()
  let text = ''
  let isOver = false
  const pump = async () => {
    const decoder = new TextDecoder()
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      text += decoder.decode(value, { stream: true })
    }
    isOver = true
  }
  pump().catch(() => {
    isOver = true
  })
  return {
    async heard() {
      await new Promise((resolve) => setImmediate(resolve))
      const events = text.split('\n\n')
      text = events.pop() ?? ''
      return events.map(readEvent)
    },
    isOver: () => isOver,
    leave: () => reader.cancel(),
  }
}

function readEvent(text: string): Heard {
  const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(text)?.[1] ?? null
  const message = readMessage(field('event') ?? '', field('data') ?? '')
  if (message === null) throw new Error(`no message of a hub: ${text}`)
  return { message, id: field('id') }
}
