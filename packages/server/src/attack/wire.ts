import { request as plainRequest } from 'node:http'
import { request as secureRequest } from 'node:https'
import { unjudged } from './check.ts'
import { type Address, lookupFor, type Target } from './target.ts'

export type Header = readonly [name: string, value: string]

/** Exactly what goes out: nothing is added but `Host`, and `Content-Length` where there is a body. */
export type Sent = { method: string; path: string; headers: readonly Header[]; body?: string | null }

/** Bodies are bytes read as Latin-1, and cut off where the limit is. */
export type Answer = { status: number; headers: readonly Header[]; body: string }

/** Rejects with a reason, by `unjudged`, where no sound answer came. */
export type Wire = (sent: Sent) => Promise<Answer>

const longestBody = 256 * 1024
const longestHeaders = 64 * 1024

/** One request a connection, bounded in time and size, redirects never followed, an upgrade hung up at once. */
export function openWire(target: Target, address: Address, patienceMilliseconds: number): Wire {
  const { hostname, port, protocol } = target.url
  const send = protocol === 'https:' ? secureRequest : plainRequest
  const common = {
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
    lookup: lookupFor(address),
    // Of half a second, which is usual, a machine that is busy may need all for itself; then the wrong address is tried.
    autoSelectFamilyAttemptTimeout: patienceMilliseconds / 2,
    agent: false as const,
    setHost: false,
    maxHeaderSize: longestHeaders,
    // Nobody stands between this machine and itself, and its certificates are rarely anybody's.
    rejectUnauthorized: !target.isLoopback,
  }
  return (sent) =>
    new Promise((resolve, reject) => {
      const fail = (reason: string) => {
        clearTimeout(timer)
        request.destroy()
        reject(unjudged(`${sent.method} ${sent.path.split('?')[0]}: ${reason}`))
      }
      const end = (answer: Answer) => {
        clearTimeout(timer)
        request.destroy()
        resolve(answer)
      }
      const request = send({ ...common, method: sent.method, path: sent.path, headers: flat(target, sent) })
      const timer = setTimeout(
        () => fail(`no whole answer within ${patienceMilliseconds / 1000} seconds`),
        patienceMilliseconds,
      )
      request.on('error', (error: NodeJS.ErrnoException) =>
        fail(`no sound answer (${error.code ?? 'broken'})`),
      )
      request.on('upgrade', (response, socket) => {
        socket.destroy()
        end({ status: response.statusCode ?? 0, headers: pairs(response.rawHeaders), body: '' })
      })
      request.on('response', (response) => {
        const answer = { status: response.statusCode ?? 0, headers: pairs(response.rawHeaders) }
        let body = ''
        response.setEncoding('latin1')
        response.on('data', (text: string) => {
          body += text
          if (body.length >= longestBody) end({ ...answer, body: body.slice(0, longestBody) })
        })
        response.on('end', () => end({ ...answer, body }))
        response.on('error', () => fail('the answer broke off'))
      })
      request.end(sent.body ?? undefined)
    })
}

function flat({ url }: Target, { headers, body }: Sent): string[] {
  const has = (wanted: string) => headers.some(([name]) => name.toLowerCase() === wanted)
  const host: Header[] = has('host') ? [] : [['Host', url.host]]
  const length: Header[] =
    body === undefined || body === null ? [] : [['Content-Length', String(Buffer.byteLength(body))]]
  const closing: Header[] = has('connection') ? [] : [['Connection', 'close']]
  return [...host, ...headers, ...length, ...closing].flat()
}

function pairs(raw: readonly string[]): Header[] {
  return raw.flatMap((name, index) => (index % 2 === 0 ? [[name, raw[index + 1] ?? ''] as const] : []))
}

export function headersNamed({ headers }: Answer, wanted: string): string[] {
  return headers.flatMap(([name, value]) => (name.toLowerCase() === wanted ? [value] : []))
}

export function headerOf(answer: Answer, wanted: string): string | null {
  return headersNamed(answer, wanted)[0] ?? null
}

export const isFine = ({ status }: Answer) => status >= 200 && status < 300
