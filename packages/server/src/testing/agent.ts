import type { Handler } from '../http/index.ts'

export type Sent = {
  json?: object
  form?: Record<string, string>
  headers?: Record<string, string>
  body?: string
  /** The address that the request comes from. */
  address?: string
}

/** Somebody who sends requests: keeps cookies as a browser does, and says where requests come from if it is one. */
export type Agent = {
  readonly cookies: Map<string, string>
  send(method: string, path: string, sent?: Sent): Promise<Response>
  get(path: string, headers?: Record<string, string>): Promise<Response>
  post(path: string, json?: object, headers?: Record<string, string>): Promise<Response>
  submit(path: string, form: Record<string, string>): Promise<Response>
}

/** `browser` proves that it is same-origin, `program` sends no evidence at all. */
export function createAgent(fetch: Handler, given: { origin: string; kind: 'browser' | 'program' }): Agent {
  const cookies = new Map<string, string>()

  async function send(method: string, path: string, sent: Sent = {}): Promise<Response> {
    const headers = new Headers(
      given.kind === 'browser' ? { 'sec-fetch-site': 'same-origin', origin: given.origin } : {},
    )
    if (cookies.size > 0)
      headers.set('cookie', [...cookies].map(([name, value]) => `${name}=${value}`).join('; '))
    const body = bodyOf(sent, headers)
    for (const [name, value] of Object.entries(sent.headers ?? {})) headers.set(name, value)
    const request = new Request(new URL(path, given.origin), { method, headers, body })
    const response = await fetch(request, { address: sent.address ?? '127.0.0.1' })
    keepCookies(cookies, response)
    return response
  }

  return {
    cookies,
    send,
    get: (path, headers = {}) => send('GET', path, { headers }),
    post: (path, json, headers = {}) =>
      send('POST', path, json === undefined ? { headers } : { json, headers }),
    submit: (path, form) => send('POST', path, { form }),
  }
}

function bodyOf(sent: Sent, headers: Headers): string | null {
  if (sent.json !== undefined) {
    headers.set('content-type', 'application/json')
    return JSON.stringify(sent.json)
  }
  if (sent.form !== undefined) {
    headers.set('content-type', 'application/x-www-form-urlencoded')
    return new URLSearchParams(sent.form).toString()
  }
  return sent.body ?? null
}

function keepCookies(cookies: Map<string, string>, response: Response): void {
  for (const line of response.headers.getSetCookie()) {
    const [pair = '', ...attributes] = line.split('; ')
    const [name = '', value = ''] = pair.split('=')
    if (attributes.includes('Max-Age=0')) cookies.delete(name)
    else cookies.set(name, value)
  }
}
