import type { Machine } from './machine.ts'
import { reachable } from './metadata.ts'

/** A service's own credential at the server (RFC 6749, 2.3.1). */
export type Client = { readonly id: string; readonly secret: string }

export type Answer = { readonly status: number; readonly text: string }
export type Question = {
  readonly address: string
  /** Sent with POST; GET without one. */
  readonly body?: { readonly type: string; readonly text: string }
  /** Everybody may read it: our credential stays at home. */
  readonly isPublic?: true
  readonly milliseconds: number
}

/** How the server is spoken to. Nothing here is believed or judged. */
export type Requests = {
  /** Null where no whole answer came in time. Tried twice if a connection broke: one kept open may just have ended. */
  ask(question: Question): Promise<Answer | null>
  /** An answer whose body is still to come, or null; `signal` ends it. */
  open(given: { address: string; lastEventId: string | null; signal: AbortSignal }): Promise<Response | null>
}

const maxCharacters = 64 * 1024 * 1024
const complaintEvery = 60_000

export function createRequests(given: { client: Client | null; machine: Machine }): Requests {
  const { client, machine } = given
  const authorization = client && basic(client)
  let complainedAt = Number.NEGATIVE_INFINITY

  function send(address: string, init: RequestInit): Promise<Response> {
    // Followed, a redirect would carry our secret to wherever it points.
    return machine.fetch(reachable(address), { ...init, redirect: 'manual', cache: 'no-store' })
  }

  function noticeDenial({ status }: Response, address: string): void {
    if (authorization === null || (status !== 401 && status !== 403)) return
    const { mono } = machine.now()
    if (mono - complainedAt < complaintEvery) return
    complainedAt = mono
    const message = `the server does not take our client credential (${status} from ${new URL(address).pathname}): revocations cannot be seen, and requests are refused`
    machine.log({ level: 'error', message })
  }

  function headersFor(accept: string, isPublic = false): Record<string, string> {
    return authorization === null || isPublic ? { accept } : { accept, authorization }
  }

  async function attempt(question: Question, signal: AbortSignal): Promise<Answer> {
    const { address, body, isPublic } = question
    const headers = headersFor('application/json', isPublic)
    if (body !== undefined) headers['content-type'] = body.type
    const init = body === undefined ? { method: 'GET' } : { method: 'POST', body: body.text }
    const response = await send(address, { ...init, headers, signal })
    if (isPublic !== true) noticeDenial(response, address)
    return { status: response.status, text: await readText(response) }
  }

  return {
    async ask(question) {
      const controller = new AbortController()
      const { signal } = controller
      const cancel = machine.after(question.milliseconds, () => controller.abort())
      try {
        return await attempt(question, signal).catch((error: unknown) => {
          if (signal.aborted) throw error
          return attempt(question, signal)
        })
      } catch {
        return null
      } finally {
        cancel()
      }
    },
    async open({ address, lastEventId, signal }) {
      const headers = headersFor('text/event-stream')
      if (lastEventId !== null) headers['last-event-id'] = lastEventId
      try {
        const response = await send(address, { method: 'GET', headers, signal })
        noticeDenial(response, address)
        return response
      } catch {
        return null
      }
    },
  }
}

/** The whole body, as long as it is of a size that a server of ours would send. */
export async function readText({ body }: Response, most = maxCharacters): Promise<string> {
  if (body === null) return ''
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const reader = body.getReader()
  let text = ''
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return text + decoder.decode()
    text += decoder.decode(value, { stream: true })
    if (text.length <= most) continue
    await reader.cancel()
    throw new RangeError('an answer without an end')
  }
}

function basic({ id, secret }: Client): string {
  return `Basic ${btoa(`${formEncoded(id)}:${formEncoded(secret)}`)}`
}

function formEncoded(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1)
}
