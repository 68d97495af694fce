// @fastify/secure-session as its README sets it up: the whole session is in the cookie, sealed, and nowhere else.
import { randomBytes } from 'node:crypto'
import secureSession from '@fastify/secure-session'
import Fastify from 'fastify'

export async function open({ user, seconds }) {
  const app = Fastify()
  app.register(secureSession, {
    key: randomBytes(32),
    expiry: seconds,
    cookie: { path: '/', httpOnly: true },
  })
  app.post('/sign-in', (request, reply) => {
    request.session.set('user', user)
    reply.send({})
  })
  app.post('/sign-out', (request, reply) => {
    request.session.delete()
    reply.send({})
  })
  app.get('/me', (request, reply) => {
    const found = request.session.get('user')
    if (found === undefined) return reply.code(401).send()
    reply.send({ user: { id: found.id } })
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  return { server: app.server, signIn: { path: '/sign-in', body: {} }, signOut: '/sign-out' }
}
