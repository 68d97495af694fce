import { createHmac, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'

export type TokenTextbook = { origin: string; address: string; close(): Promise<void> }

const page = `<!doctype html><title>textbook</title><body></body><script>
window.start = async () => {
  const answer = await fetch('/auth/sign-in', { method: 'POST' })
  const { access_token, refresh_token } = await answer.json()
  localStorage.setItem('access_token', access_token)
  localStorage.setItem('refresh_token', refresh_token)
}
window.who = async () => {
  const headers = { authorization: 'Bearer ' + localStorage.getItem('access_token') }
  return (await fetch('/auth/session', { headers })).json()
}
</script>`

/**
 * The application of a thousand tutorials: a JWT and a refresh token in localStorage. The thief's script and the other
 * machine are first seen to succeed here, or their failure elsewhere would prove nothing.
 */
export async function startTokenTextbook(): Promise<TokenTextbook> {
  const key = randomBytes(32)
  const part = (content: object) => Buffer.from(JSON.stringify(content)).toString('base64url')
  const signed = (text: string) => createHmac('sha256', key).update(text).digest('base64url')
  const refreshTokens = new Set<string>()

  function accessToken(): string {
    const text = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ sub: 'ada', exp: 4_000_000_000 })}`
    return `${text}.${signed(text)}`
  }

  function handOut(): object {
    const refresh = `rt_${randomBytes(32).toString('base64url')}`
    refreshTokens.add(refresh)
    return { access_token: accessToken(), token_type: 'Bearer', refresh_token: refresh }
  }

  function answer(path: string, authorization: string, body: string): object | null {
    if (path === '/auth/sign-in') return handOut()
    if (path === '/oauth/token')
      return refreshTokens.has(new URLSearchParams(body).get('refresh_token') ?? '') ? handOut() : null
    const [, text = '', signature = ''] = /^Bearer (.+)\.([\w-]+)$/.exec(authorization) ?? []
    return path === '/auth/session' && signed(text) === signature ? { account: { id: 'ada' } } : null
  }

  const server = createServer(async (request, response) => {
    const path = request.url ?? ''
    if (path === '/app') return response.setHeader('content-type', 'text/html').end(page)
    const found = answer(path, request.headers.authorization ?? '', await textOf(request))
    response.writeHead(found === null ? 401 : 200, { 'content-type': 'application/json' })
    return response.end(JSON.stringify(found ?? { error: 'no' }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const bound = server.address()
  if (bound === null || typeof bound === 'string') throw new Error('the textbook has no port')
  return {
    origin: `http://app.old.localhost:${bound.port}`,
    address: `http://127.0.0.1:${bound.port}`,
    close() {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += chunk
  return text
}
