// Better Auth on node:http as its documentation sets it up. Its limits of requests, its telemetry and its log are off,
// which is the case that favours it. `variant`: what is switched on, such as "postgres cache" or "sqlite jwt".
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { DatabaseSync } from 'node:sqlite'
import { betterAuth } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import { fromNodeHeaders, toNodeHandler } from 'better-auth/node'
import { bearer, jwt } from 'better-auth/plugins'
import { serializeSignedCookie } from 'better-call'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import pg from 'pg'

const baseURL = 'http://localhost:3000'
const secret = 'a secret of more than thirty-two characters'

function databaseFor(url) {
  if (!url.startsWith('postgres:')) return new DatabaseSync(url)
  const pool = new pg.Pool({ connectionString: url })
  pool.on('error', () => {})
  return pool
}

function optionsFor({ user, url, seconds }, has) {
  return {
    ...{ baseURL, secret, database: databaseFor(url), emailAndPassword: { enabled: true } },
    session: has('cache') ? { cookieCache: { enabled: true, maxAge: seconds } } : {},
    plugins: [
      ...(has('bearer') ? [bearer()] : []),
      ...(has('jwt') ? [jwt({ jwt: { expirationTime: `${seconds}s` } })] : []),
    ],
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    logger: { disabled: true },
    // So that it answers the same user as everybody else.
    advanced: {
      database: {
        generateId: ({ model }) => (model === 'user' ? user.id : randomBytes(16).toString('hex')),
      },
    },
  }
}

async function openAccount(auth, { user, password }) {
  const { adapter } = await auth.$context
  const found = await adapter.findOne({ model: 'user', where: [{ field: 'email', value: user.email }] })
  if (found === null) await auth.api.signUpEmail({ body: { ...user, name: user.email, password } })
}

export async function open(given) {
  const { user, password, variant } = given
  const has = (what) => variant.split(' ').includes(what)
  const options = optionsFor(given, has)
  if (given.isNew !== false) await (await getMigrations(options)).runMigrations()
  const auth = betterAuth(options)
  await openAccount(auth, given)
  const handler = toNodeHandler(auth)
  // Where its documentation sends who wants to check its tokens elsewhere.
  let keys = null
  const callerOf = async ({ headers }) => {
    if (has('jwt')) {
      const token = headers.authorization?.slice('Bearer '.length) ?? ''
      const asked = { issuer: baseURL, audience: baseURL }
      return jwtVerify(token, keys, asked).then(
        ({ payload }) => payload,
        () => null,
      )
    }
    const session = await auth.api.getSession({ headers: fromNodeHeaders(headers) })
    return session?.user ?? null
  }
  const server = createServer(async (request, response) => {
    if (request.url !== '/me') return handler(request, response)
    const found = await callerOf(request)
    if (found === null) return response.writeHead(401).end()
    const body = JSON.stringify({ user: { id: found.id } })
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
    response.end(body)
  })
  server.listen(0, '127.0.0.1', () => {
    keys = createRemoteJWKSet(new URL(`http://127.0.0.1:${server.address().port}/api/auth/jwks`))
  })
  const signIn = { path: '/api/auth/sign-in/email', body: { email: user.email, password } }
  return { server, signIn, signOut: '/api/auth/sign-out', signed, credentials: credentialsOf }

  // Sessions that the database wrote itself.
  async function signed(count, step) {
    const { authCookies } = await auth.$context
    const name = authCookies.sessionToken.name
    return Promise.all(
      Array.from({ length: count }, async (_, index) => {
        const cookie = await serializeSignedCookie(name, `bench-${1 + index * step}`, secret)
        return `Cookie: ${cookie.split(';')[0]}`
      }),
    )
  }

  // A sign-in hashes for a tenth of a second; what comes after it is the same.
  async function credentialsOf(count) {
    const { internalAdapter, authCookies } = await auth.$context
    const origin = `http://127.0.0.1:${server.address().port}`
    const made = []
    for (let index = 0; index < count; index++) {
      const { token } = await internalAdapter.createSession(user.id)
      const cookie = (await serializeSignedCookie(authCookies.sessionToken.name, token, secret)).split(';')[0]
      if (has('jwt')) {
        const answer = await fetch(`${origin}/api/auth/token`, { headers: { cookie } })
        made.push(`Authorization: Bearer ${(await answer.json()).token}`)
      } else if (has('bearer')) made.push(`Authorization: Bearer ${token}`)
      else if (has('cache')) {
        const answer = await fetch(`${origin}/api/auth/get-session`, { headers: { cookie } })
        const others = answer.headers.getSetCookie().map((line) => line.split(';')[0])
        const own = others.some((line) => line.startsWith(`${authCookies.sessionToken.name}=`))
          ? []
          : [cookie]
        made.push(`Cookie: ${[...own, ...others].join('; ')}`)
      } else made.push(`Cookie: ${cookie}`)
    }
    return made
  }
}
