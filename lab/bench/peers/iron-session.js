// iron-session as its README sets it up, on node:http: the whole session is in the cookie, sealed, and nowhere else.
import { createServer } from 'node:http'
import { getIronSession } from 'iron-session'

export function open({ user, seconds }) {
  const options = {
    password: 'a password of more than thirty-two characters',
    cookieName: 'bench',
    ttl: seconds,
    cookieOptions: { secure: false },
  }
  const server = createServer(async (request, response) => {
    const session = await getIronSession(request, response, options)
    if (request.url === '/sign-in') {
      session.user = user
      await session.save()
      return response.end('{}')
    }
    if (request.url === '/sign-out') {
      session.destroy()
      return response.end('{}')
    }
    if (session.user === undefined) return response.writeHead(401).end()
    const body = JSON.stringify({ user: { id: session.user.id } })
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
    response.end(body)
  })
  server.listen(0, '127.0.0.1')
  return { server, signIn: { path: '/sign-in', body: {} }, signOut: '/sign-out' }
}
