import { createServer, type IncomingMessage } from 'node:http'

/** What the textbook did, in order: `transfer by ada`, `signed out ada`, `signed in as mallory`. */
export type Textbook = {
  /** For the browser the same site as `evil.old.localhost`. */
  origin: string
  done: string[]
  close(): Promise<void>
}

/**
 * The server of a textbook, wide open on purpose: it believes any request that brings its cookie. Each attack is
 * first seen to succeed here, or its failure elsewhere would prove nothing. Its cookie is `SameSite=None` (as an
 * application that is embedded elsewhere needs), or Lax on `/sign-in?lax`.
 */
export async function startTextbook(): Promise<Textbook> {
  const done: string[] = []
  const server = createServer(async (request, response) => {
    const { pathname, search } = new URL(request.url ?? '', 'http://textbook')
    const who = /(?:^|; )sid=([a-z]+)/.exec(request.headers.cookie ?? '')?.[1] ?? null
    const body = await textOf(request)
    if (pathname === '/sign-in') {
      const name = /mallory/.test(body + search) ? 'mallory' : 'ada'
      const site = /lax/.test(search) ? 'SameSite=Lax' : 'SameSite=None'
      response.setHeader('set-cookie', `sid=${name}; Path=/; HttpOnly; Secure; ${site}`)
      done.push(`signed in as ${name}`)
    } else if (pathname === '/sign-out') {
      response.setHeader('set-cookie', 'sid=; Path=/; Max-Age=0; Secure; SameSite=None')
      if (who !== null) done.push(`signed out ${who}`)
    } else if (pathname === '/transfer' && who !== null) {
      const type = (request.headers['content-type'] ?? '').split(';')[0]
      done.push(`transfer by ${who}: ${type}`)
    }
    // The textbook's CORS: whoever asks is named, and with credentials.
    const asker = request.headers.origin
    if (asker !== undefined) {
      response.setHeader('access-control-allow-origin', asker)
      response.setHeader('access-control-allow-credentials', 'true')
      response.setHeader('access-control-allow-headers', 'content-type')
    }
    response.setHeader('content-type', 'text/html')
    response.end(`you are ${who ?? 'nobody'}`)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the textbook has no port')
  return {
    origin: `http://app.old.localhost:${address.port}`,
    done,
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
