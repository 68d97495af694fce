// fast-jwt behind its framework, @fastify/jwt, as that one's README sets it up. `variant`: "cache" switches its cache on.
import fastifyJwt from '@fastify/jwt'
import Fastify from 'fastify'
import { algorithm, answerOf, audience, claimsOf, issuer, keyPair } from './tokens.js'

export async function open({ user, variant, seconds }) {
  const { privatePem, publicPem } = keyPair()
  const app = Fastify()
  app.register(fastifyJwt, {
    secret: { private: privatePem, public: publicPem },
    sign: { algorithm, iss: issuer, aud: audience, expiresIn: `${seconds}s` },
    verify: { algorithms: [algorithm], allowedIss: issuer, allowedAud: audience, cache: variant === 'cache' },
  })
  app.decorate('authenticate', async (request, reply) => {
    try {
      await request.jwtVerify()
    } catch {
      return reply.code(401).send()
    }
  })
  app.post('/sign-in', (_, reply) => reply.send({ token: app.jwt.sign(claimsOf(user)) }))
  app.after(() => {
    app.get('/me', { onRequest: [app.authenticate] }, (request, reply) => reply.send(answerOf(request.user)))
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  return { server: app.server, signIn: { path: '/sign-in', body: {} }, signOut: null }
}
