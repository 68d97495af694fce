import { feedWindowSeconds, type StreamMessage, writeEntries, writeMessage } from '@counterfoil/verifier'
import * as z from 'zod'
import { type Answer, type Route, type RouteRequest, route } from '../http/route.ts'
import { refuse } from '../refusals.ts'
import type { Feed } from './operations.ts'

/** Who asks, or a refusal: everything here is for clients that prove themselves. */
export type AuthenticateClient = (authorization: string | null) => Promise<{ id: string }>

/** A listener that is further behind than this is let go; it comes back and says how far it came. */
const bufferedBytes = 1_000_000
const utf8 = new TextEncoder()

const verifierId = z.string().regex(/^[\w-]{16,64}$/)
const listening = z.object({
  verifier: verifierId,
  nonce: z.string().regex(/^[\w-]{16,64}$/),
  max_stale: z.coerce.number().int().min(1).max(3600),
})
const window = z.coerce.number().int().min(1).max(feedWindowSeconds.cookies)
/** What is missing or empty is not taken for 0. */
const position = z
  .string()
  .regex(/^\d{1,16}$/)
  .transform(Number)
  .refine(Number.isSafeInteger)

export function feedRoutes(feed: Feed, authenticate: AuthenticateClient): Route[] {
  const get = (
    path: string,
    handle: (request: RouteRequest<null>, client: { id: string }) => Promise<Answer>,
  ) =>
    route({
      method: 'GET',
      path,
      kind: 'service',
      caller: 'ignored',
      handle: async (request) => handle(request, await authenticate(request.authorization)),
    })

  return [
    get('/feed/stream', async ({ query, lastEventId }, client) => {
      const asked = listening.safeParse(Object.fromEntries(query))
      if (!asked.success) refuse('input_invalid', { detail: 'verifier, nonce or max_stale' })
      const { verifier, nonce, max_stale: maxStale } = asked.data
      const after = lastEventId === null ? null : feed.hub.readId(lastEventId)
      // Written down first: whoever waits for everybody has to know of this one before it trusts itself.
      const given = { id: verifier, name: client.id, maxStale, applied: after?.position ?? 0 }
      if (!(await feed.register(given))) refuse('input_invalid', { detail: 'verifier is taken' })
      return {
        status: 200,
        stream: { body: streamOf(feed, { verifier, nonce, after }), type: 'text/event-stream' },
      }
    }),
    get('/feed/snapshot', async ({ query, ifNoneMatch }) => {
      const seconds = window.safeParse(query.get('window') ?? feedWindowSeconds.cookies)
      if (!seconds.success) refuse('input_invalid', { detail: 'window' })
      const { epoch, position, entries } = feed.hub.snapshot(seconds.data)
      const etag = `"${epoch}.${position}.${seconds.data}"`
      if (ifNoneMatch === etag) return { status: 304, etag }
      const json = { epoch, position, window: seconds.data, entries: writeEntries(entries) }
      return { status: 200, etag, json }
    }),
    get('/feed/log', async ({ query }) => {
      const [from, to] = [position.safeParse(query.get('from')), position.safeParse(query.get('to'))]
      if (!from.success || !to.success) refuse('input_invalid', { detail: 'from or to' })
      const found = feed.hub.log({ from: from.data, to: to.data })
      if (found === null) refuse('log_forgotten')
      return { status: 200, json: { epoch: found.epoch, entries: writeEntries(found.entries) } }
    }),
    route({
      method: 'POST',
      path: '/feed/ack',
      kind: 'service',
      caller: 'ignored',
      body: z.object({ verifier: verifierId, position: z.int().min(0), leaving: z.boolean().optional() }),
      async handle({ authorization, body }) {
        const client = await authenticate(authorization)
        // Nobody can have applied what was never written.
        if (body.position > feed.hub.reached().position) refuse('input_invalid', { detail: 'position' })
        const who = { id: body.verifier, name: client.id }
        if (body.leaving === true) await feed.signOff(who)
        else await feed.acknowledge({ ...who, position: body.position })
        return { status: 204 }
      },
    }),
  ]
}

function streamOf(
  { hub }: Feed,
  given: { verifier: string; nonce: string; after: { epoch: number; position: number } | null },
): ReadableStream<Uint8Array> {
  let link: number | null = null
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        let isOpen = true
        const close = () => {
          if (!isOpen) return
          isOpen = false
          if (link !== null) hub.disconnect(link)
          controller.close()
        }
        const send = (message: StreamMessage, id: string) => {
          if (!isOpen) return
          controller.enqueue(utf8.encode(eventOf(message, id)))
          if ((controller.desiredSize ?? 0) <= 0) close()
        }
        link = hub.connect({
          nonce: given.nonce,
          after: given.after,
          sink: { verifier: given.verifier, send, close },
        })
        // The connection may have been refused at once.
        if (!isOpen) hub.disconnect(link)
      },
      cancel() {
        if (link !== null) hub.disconnect(link)
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: bufferedBytes }),
  )
}

/** A hello proves nothing that was reached, so it has no id. */
function eventOf(message: StreamMessage, id: string): string {
  const { event, data } = writeMessage(message)
  return `${message.kind === 'hello' ? '' : `id: ${id}\n`}event: ${event}\ndata: ${data}\n\n`
}
