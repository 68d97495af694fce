import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSign,
  createVerify,
  generateKeyPairSync,
} from 'node:crypto'
import type { AddressInfo } from 'node:net'
import express, { type Request, type Response } from 'express'
import session from 'express-session'

declare module 'express-session' {
  interface SessionData {
    email: string
  }
}

export type TextbookApp = { origin: string; close(): Promise<void> }

const account = { name: 'ada@textbook.example', password: 'correct horse' }

/** How the textbook's application is attacked: it says so itself, as a target should. */
export const textbookDescription = {
  consent: true,
  account,
  cookie: { sign_in: 'POST /login email={name}&password={password}' },
  token: {
    sign_in: 'POST /token {"email":"{name}","password":"{password}"}',
    access: 'access',
    refresh: 'refresh',
    refresh_by: 'POST /refresh {"refresh":"{refresh_token}"}',
    keys: '/keys',
  },
  who: '/me',
  act: 'POST /transfer {"to":"mallory","amount":1}',
  effect: { request: '/balance', member: 'balance' },
  sign_out: 'POST /logout',
  redirect: '/continue?next={url}',
}

/**
 * What many articles build: express-session as it comes, and tokens that are checked by the algorithm that they name.
 * Wide open on purpose, on real Express.
 */
export async function startTextbookApp(): Promise<TextbookApp> {
  const app = express()
  const tokens = naiveTokens()
  let balance = 1_000
  app.set('env', 'development')
  app.use(session({ secret: 'keyboard cat', resave: false, saveUninitialized: true }))
  app.use(express.json({ type: ['application/json', 'text/plain'] }), express.urlencoded({ extended: true }))
  app.use((request, response, next) => {
    const { origin } = request.headers
    if (origin !== undefined) {
      response.set('Access-Control-Allow-Origin', origin).set('Access-Control-Allow-Credentials', 'true')
      response.set('Access-Control-Allow-Headers', 'content-type')
    }
    if (request.method === 'OPTIONS') response.sendStatus(204)
    else next()
  })

  const whoIs = (request: Request): string | null => {
    const token = /^Bearer (.*)$/.exec(request.headers.authorization ?? '')?.[1]
    return (token === undefined ? null : tokens.read(token)) ?? request.session.email ?? null
  }
  const isRight = ({ body }: Request) => body?.email === account.name && body?.password === account.password
  const refuse = (request: Request, response: Response) => {
    const isKnown = request.body?.email === account.name
    response.status(401).json({ error: isKnown ? 'wrong password' : 'no such user' })
  }

  app.get('/.well-known/counterfoil-attack.json', (_, response) => void response.json(textbookDescription))
  app.get('/keys', (_, response) => void response.json({ keys: [tokens.publicJwk] }))
  app.post('/login', (request, response) => {
    if (!isRight(request)) return refuse(request, response)
    request.session.email = account.name
    response.redirect('/me')
  })
  app.post('/token', (request, response) => {
    if (!isRight(request)) return refuse(request, response)
    response.json(tokens.issue(account.name))
  })
  app.post('/refresh', (request, response) => {
    const who = tokens.read(String(request.body?.refresh))
    if (who === null) response.sendStatus(401)
    else response.json({ ...tokens.issue(who), refresh: request.body.refresh })
  })
  app.get('/continue', (request, response) => response.redirect(String(request.query.next)))
  app.post('/logout', (_, response) => void response.clearCookie('connect.sid').sendStatus(204))
  app.use((request, response, next) => {
    if (whoIs(request) === null) response.sendStatus(401)
    else next()
  })
  app.get('/me', (request, response) => void response.json({ email: whoIs(request) }))
  app.get('/balance', (_, response) => void response.json({ balance }))
  app.post('/transfer', (request, response) => {
    balance -= Number(request.body?.amount ?? 0)
    response.json({ balance })
  })

  const server = app.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  return {
    origin: `http://textbook.localhost:${(server.address() as AddressInfo).port}`,
    close() {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

/** Checks a token by what the token says about itself. */
function naiveTokens() {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pem = String(publicKey.export({ type: 'spki', format: 'pem' }))
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
  const decode = (text = '') => JSON.parse(Buffer.from(text, 'base64url').toString())
  const sign = (claims: object) => {
    const input = `${encode({ alg: 'RS256', typ: 'JWT' })}.${encode(claims)}`
    return `${input}.${createSign('sha256')
      .update(input)
      .sign(createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' })), 'base64url')}`
  }
  const isSigned = (header: { alg?: string; jwk?: object }, input: string, signature: string): boolean => {
    if (header.alg === 'none') return true
    if (header.alg === 'HS256')
      return createHmac('sha256', pem).update(input).digest('base64url') === signature
    const key =
      header.jwk === undefined ? publicKey : createPublicKey({ key: { ...header.jwk }, format: 'jwk' })
    return createVerify('sha256').update(input).verify(key, signature, 'base64url')
  }
  return {
    publicJwk: { ...publicKey.export({ format: 'jwk' }), alg: 'RS256' },
    issue: (email: string) => ({ access: sign({ email, n: 1 }), refresh: sign({ email, n: 2 }) }),
    read(token: string): string | null {
      try {
        const [header, payload, signature = ''] = token.split('.')
        return isSigned(decode(header), `${header}.${payload}`, signature)
          ? String(decode(payload).email)
          : null
      } catch {
        return null
      }
    },
  }
}
