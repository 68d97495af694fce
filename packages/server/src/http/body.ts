import { parseJsonObject, Refusal } from '@counterfoil/verifier'
import { refuse } from '../refusals.ts'
import type { RouteKind } from './route.ts'

const largestBody = 32 * 1024

/** Reads a body of the one type that this kind of route takes. Bounded before it is parsed. */
export async function readBody(
  request: Request,
  kind: RouteKind,
): Promise<Readonly<Record<string, unknown>>> {
  const isJson = kind === 'api' || kind === 'service'
  const wanted = isJson ? 'application/json' : 'application/x-www-form-urlencoded'
  const type = (request.headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase()
  // A form that is sent cross-site without a preflight can only be of types that this is not (text/plain, ...).
  if (type !== wanted) refuse('media_type_wrong', { detail: `wanted ${wanted}` })
  if (request.headers.has('content-encoding'))
    refuse('media_type_wrong', { detail: 'compressed bodies are not taken' })
  const bytes = await readBytes(request)
  return isJson ? readJson(bytes) : readForm(bytes)
}

async function readBytes(request: Request): Promise<Uint8Array> {
  const length = request.headers.get('content-length')
  if (Number(length ?? 0) > largestBody) refuse('input_too_large')
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of length === null ? (request.body ?? []) : [await readWhole(request)]) {
      size += chunk.byteLength
      if (size > largestBody) refuse('input_too_large')
      chunks.push(chunk)
    }
  } catch (error) {
    if (error instanceof Refusal) throw error
    // Whoever leaves in the middle must not fill the log with errors that look like ours.
    refuse('input_invalid', { detail: 'the body broke off' })
  }
  return Buffer.concat(chunks)
}

/** A server of HTTP hands over no more than was announced. As a stream it would cost more than all else that is read. */
async function readWhole(request: Request): Promise<Uint8Array> {
  return new Uint8Array(await request.arrayBuffer())
}

function readJson(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  return parseJsonObject(bytes) ?? refuse('input_invalid', { detail: 'not a JSON object' })
}

function readForm(bytes: Uint8Array): Readonly<Record<string, string>> {
  const text = decode(bytes)
  const fields = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(text)) {
    // RFC 6749 3.2: a parameter is sent once. Which of two would count is anybody's guess.
    if (fields.has(name)) refuse('input_invalid', { detail: 'a field is repeated' })
    if (fields.size >= 50) refuse('input_invalid', { detail: 'too many fields' })
    fields.set(name, value)
  }
  return Object.fromEntries(fields)
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    refuse('input_invalid', { detail: `not UTF-8: ${String(cause)}` })
  }
}
