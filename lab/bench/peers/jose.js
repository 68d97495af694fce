// jose behind Hono, which brings no check of its own for keys that rotate: its documentation verifies in a middleware.
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { jwtVerify, SignJWT } from 'jose'
import { algorithm, answerOf, audience, claimsOf, issuer, keyPair } from './tokens.js'

export function open({ user, seconds }) {
  const { privateKey, publicKey } = keyPair()
  const app = new Hono()
  app.post('/sign-in', async (c) => {
    const token = await new SignJWT(claimsOf(user))
      .setProtectedHeader({ alg: algorithm, typ: 'at+jwt' })
      .setIssuer(issuer)
      .setAudience(audience)
      .setIssuedAt()
      .setExpirationTime(`${seconds}s`)
      .sign(privateKey)
    return c.json({ token })
  })
  app.use('/me', async (c, next) => {
    const token = c.req.header('authorization')?.slice('Bearer '.length) ?? ''
    try {
      const { payload } = await jwtVerify(token, publicKey, { issuer, audience, algorithms: [algorithm] })
      c.set('claims', payload)
    } catch {
      return c.body(null, 401)
    }
    await next()
  })
  app.get('/me', (c) => c.json(answerOf(c.get('claims'))))
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' })
  return { server, signIn: { path: '/sign-in', body: {} }, signOut: null }
}
