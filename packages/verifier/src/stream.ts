import type { Requests } from './requests.ts'
import { createEventText, readEvents } from './server-sent-events.ts'
import { messageNames, readMessage, type StreamMessage } from './wire.ts'

/** A message and the opaque name of the position that it brings us to; the greeting brings us nowhere. */
export type Told = { readonly message: StreamMessage; readonly id: string | null }

/** Far more than a hub ever says at once. */
const maxCharacters = 64 * 1024 * 1024

/** Reads one stream to its end and answers why it ended. Never throws. */
export async function readStream(given: {
  requests: Requests
  address: string
  lastEventId: string | null
  signal: AbortSignal
  onTold: (told: Told) => void
}): Promise<string> {
  const { requests, address, lastEventId, signal, onTold } = given
  const response = await requests.open({ address, lastEventId, signal })
  if (response === null) return 'nobody answers'
  const { status, body, headers } = response
  const type = headers.get('content-type') ?? ''
  if (status !== 200 || body === null || !/^text\/event-stream\b/i.test(type)) {
    body?.cancel().catch(() => {})
    return `the answer is ${status} ${type}`
  }
  try {
    return await readBody(body, onTold)
  } catch {
    return 'the connection broke'
  }
}

async function readBody(body: ReadableStream<Uint8Array>, onTold: (told: Told) => void): Promise<string> {
  const text = createEventText(maxCharacters)
  const decoder = new TextDecoder()
  const reader = body.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return 'the server ended it'
    const fault = tell(readEvents(text, decoder.decode(value, { stream: true })), onTold)
    if (fault === null) continue
    reader.cancel().catch(() => {})
    return fault
  }
}

function tell(events: ReturnType<typeof readEvents>, onTold: (told: Told) => void): string | null {
  if (events === null) return 'an event has no end'
  for (const { event, data, id } of events) {
    // What has no name at all comes from no hub.
    if (event !== 'message' && !messageNames.has(event)) continue
    const message = readMessage(event, data)
    if (message === null) return 'what came is no message of a hub'
    onTold({ message, id: message.kind === 'hello' ? null : id })
  }
  return null
}
