// express-session as its README sets it up, with the store that its variant names, each as that one's README does.
import connectPgSimple from 'connect-pg-simple'
import { RedisStore } from 'connect-redis'
import { sign } from 'cookie-signature'
import express from 'express'
import session from 'express-session'
import pg from 'pg'
import { createClient } from 'redis'

const stores = {
  memory: () => undefined,
  postgres({ url }) {
    const pool = new pg.Pool({ connectionString: url })
    pool.on('error', () => {})
    return new (connectPgSimple(session))({ pool, createTableIfMissing: true })
  },
  async redis({ url }) {
    const client = createClient({ url })
    client.on('error', () => {})
    await client.connect()
    return new RedisStore({ client, prefix: 'bench:' })
  },
}

const secret = 'a secret that nobody else knows, for the bench'

export async function open({ user, variant, url, seconds }) {
  const app = express()
  const store = await stores[variant]({ url })
  app.use(
    session({
      ...(store === undefined ? {} : { store }),
      secret,
      resave: false,
      saveUninitialized: false,
      cookie: { maxAge: seconds * 1000 },
    }),
  )
  app.post('/sign-in', (request, response, next) => {
    request.session.regenerate((error) => {
      if (error) return next(error)
      request.session.user = user
      request.session.save((failed) => (failed ? next(failed) : response.json({})))
    })
  })
  app.post('/sign-out', (request, response, next) =>
    request.session.destroy((error) => (error ? next(error) : response.json({}))),
  )
  app.get('/me', (request, response) => {
    if (request.session.user === undefined) return response.sendStatus(401)
    response.json({ user: { id: request.session.user.id } })
  })
  const server = app.listen(0, '127.0.0.1')
  // Sessions that the database wrote itself.
  const signed = (count, step) =>
    Array.from({ length: count }, (_, index) => {
      const value = encodeURIComponent(`s:${sign(`bench-${1 + index * step}`, secret)}`)
      return `Cookie: connect.sid=${value}`
    })
  return {
    ...{ server, signIn: { path: '/sign-in', body: {} }, signOut: '/sign-out' },
    signed,
  }
}
