import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express, { type Express, type NextFunction, type Request, type Response } from 'express'
import session from 'express-session'
import { type CookieReader, cookieReaders, fieldsOf, type PageCheck } from './textbook-checks.ts'
import { isSignedByItsOwnKey, type KeyPair, naiveTokens, newKeyPair } from './textbook-signing.ts'

declare module 'express-session' {
  interface SessionData {
    email: string
    /** The key of the device that the session was bound to. */
    device: string
  }
}

/** What it has, and how it tells friend from foe: tests set that to another way that people do it. */
export type TextbookState = {
  balance: number
  password: string
  /** Where browsers know it. */
  own: string
  isOwnPage: PageCheck
  readCookie: CookieReader
  /** The origin that an answer names as allowed to read it. */
  readableBy(origin: string): string | null
  /** Tokens that were signed out, where there is such a table at all. */
  denied: Set<string> | null
  reached: number
}

export type TextbookApp = {
  origin: string
  port: number
  state: TextbookState
  store: session.MemoryStore
  close(): Promise<void>
}

export type TextbookOptions = {
  sessions?: Partial<session.SessionOptions>
  keys?: KeyPair
  maxHeaderSize?: number
}

/** As in the first lines of the library's own README. */
export const textbookSecret = 'keyboard cat'
export const textbookAccount = { name: 'ada@textbook.example', password: 'correct horse' }
export const rememberName = '__Host-remember'

/** How the textbook's application is attacked: it says so itself, as a target should. */
export const textbookDescription = {
  consent: true,
  account: textbookAccount,
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
 * Wide open on purpose, on real Express; each line is in some tutorial, and each is missing one thing.
 */
export async function startTextbookApp(options: TextbookOptions = {}): Promise<TextbookApp> {
  const app = express()
  const store = new session.MemoryStore()
  const state: TextbookState = {
    balance: 1_000,
    password: textbookAccount.password,
    own: 'http://localhost:3000',
    isOwnPage: () => true,
    readCookie: cookieReaders['by a pattern'] ?? (() => null),
    readableBy: (origin) => origin,
    denied: null,
    reached: 0,
  }
  const tokens = naiveTokens(options.keys ?? newKeyPair())
  app.set('env', 'development')
  readRequests(app, { state, store, options })
  signPeopleIn(app, { state, tokens })
  const server = createServer({ maxHeaderSize: options.maxHeaderSize ?? 16_384 }, app)
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://textbook.localhost:${port}`,
    port,
    state,
    store,
    close() {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

function readRequests(
  app: Express,
  given: { state: TextbookState; store: session.MemoryStore; options: TextbookOptions },
): void {
  const { state, store, options } = given
  const secret = textbookSecret
  app.use(session({ store, secret, resave: false, saveUninitialized: true, ...options.sessions }))
  app.use(express.json({ type: ['application/json', 'text/plain'] }), express.urlencoded({ extended: true }))
  app.use(express.text({ type: 'multipart/form-data' }))
  app.use((request, response, next) => {
    state.reached += 1
    const { origin } = request.headers
    const named = origin === undefined ? null : state.readableBy(origin)
    if (named !== null) {
      response.set('Access-Control-Allow-Origin', named).set('Access-Control-Allow-Credentials', 'true')
      response.set('Access-Control-Allow-Headers', 'content-type')
    }
    if (request.method === 'OPTIONS') response.sendStatus(204)
    else next()
  })
  app.use((request, response, next) => {
    const isSafe = ['GET', 'HEAD'].includes(request.method)
    if (isSafe || state.isOwnPage(request, state.own)) next()
    else response.status(403).send('This is no page of ours.')
  })
  app.use(methodOverride)
}

/** By these Microsoft, Google and IBM name the method that is meant. */
export const overridingHeaders = ['x-http-method', 'x-http-method-override', 'x-method-override'] as const

/** "Forms cannot send DELETE". It comes after the check of forgeries, which came first in the list. */
function methodOverride(request: Request, _response: Response, next: NextFunction): void {
  const header = overridingHeaders.map((name) => request.headers[name]).find((value) => value !== undefined)
  const method = header ?? request.query._method ?? fieldsOf(request.body)._method
  if (typeof method === 'string') request.method = method.toUpperCase()
  next()
}

type Tokens = ReturnType<typeof naiveTokens>

function signPeopleIn(app: Express, given: { state: TextbookState; tokens: Tokens }): void {
  const { state, tokens } = given
  const remembered = new Map<string, string>()
  const inputOf = (request: Request) =>
    ({ ...request.query, ...fieldsOf(request.body) }) as Record<string, unknown>
  // Downloads and sockets cannot set headers, so the address may hold the token too; and some clients call it otherwise.
  const tokenOf = (request: Request): unknown =>
    /^Bearer (.*)$/.exec(request.headers.authorization ?? '')?.[1] ??
    request.headers['x-access-token'] ??
    inputOf(request).access_token
  const whoIs = (request: Request): string | null => {
    const token = tokenOf(request)
    const named = typeof token === 'string' && !state.denied?.has(token) ? tokens.read(token) : null
    const value = state.readCookie(request.headers.cookie ?? '', rememberName)
    return named ?? request.session.email ?? remembered.get(value ?? '') ?? null
  }
  const isRight = (request: Request) => {
    const { email, password } = inputOf(request)
    return email === textbookAccount.name && password === state.password
  }
  const refuse = (request: Request, response: Response) => {
    const isKnown = inputOf(request).email === textbookAccount.name
    response.status(401).json({ error: isKnown ? 'wrong password' : 'no such user' })
  }

  app.get('/.well-known/counterfoil-attack.json', (_, response) => void response.json(textbookDescription))
  app.get('/keys', (_, response) => void response.json({ keys: [tokens.publicJwk] }))
  app.post('/login', (request, response) => {
    if (!isRight(request)) return refuse(request, response)
    request.session.email = textbookAccount.name
    return response.redirect('/me')
  })
  app.post('/remember', (request, response) => {
    if (!isRight(request)) return refuse(request, response)
    const value = tokens.issue(textbookAccount.name).access.split('.')[2] ?? ''
    remembered.set(value, textbookAccount.name)
    return response.set('set-cookie', `${rememberName}=${value}; Path=/; Secure`).sendStatus(204)
  })
  // Whoever signed up should not have to type it again; the mail can be confirmed later.
  app.post('/sign-up', (request, response) => {
    request.session.email = String(inputOf(request).email)
    response.redirect('/me')
  })
  app.post('/token', (request, response) => {
    if (!isRight(request)) return refuse(request, response)
    return response.json(tokens.issue(textbookAccount.name))
  })
  app.post('/refresh', (request, response) => {
    const who = tokens.read(String(request.body?.refresh))
    if (who === null) response.sendStatus(401)
    else response.json({ ...tokens.issue(who), refresh: request.body.refresh })
  })
  app.get('/continue', (request, response) => response.redirect(String(request.query.next)))
  app.all('/logout', (request, response) => {
    state.denied?.add(String(tokenOf(request)))
    response.clearCookie('connect.sid').sendStatus(204)
  })
  app.use((request, response, next) => {
    if (whoIs(request) === null) response.sendStatus(401)
    else next()
  })
  serveMembers(app, { state, tokens, whoIs, inputOf })
}

function serveMembers(
  app: Express,
  given: {
    state: TextbookState
    tokens: Tokens
    whoIs(request: Request): string | null
    inputOf(request: Request): Record<string, unknown>
  },
): void {
  const { state, tokens, whoIs, inputOf } = given
  app.get('/me', (request, response) => void response.json({ email: whoIs(request) }))
  app.get('/balance', (_, response) => void response.json({ balance: state.balance }))
  // Links in mails pay too.
  app.all('/transfer', (request, response) => {
    state.balance -= Number(inputOf(request).amount ?? 0)
    response.json({ balance: state.balance })
  })
  app.post('/password', (request, response) => {
    state.password = String(inputOf(request).new)
    response.sendStatus(204)
  })
  // The new part of the application wants a token, and the old part has a cookie.
  app.get('/api-token', (request, response) => void response.json(tokens.issue(String(whoIs(request)))))
  app.post('/device', (request: IncomingMessage & Request, response) => {
    const registration = String(request.headers['secure-session-response'])
    if (!isSignedByItsOwnKey(registration)) return response.sendStatus(400)
    request.session.device = registration.split('.')[0] ?? ''
    return response.json({ session_identifier: 'textbook' })
  })
}
