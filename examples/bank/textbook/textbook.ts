import { randomBytes } from 'node:crypto'
import { type IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import express, { type Express, type NextFunction, type Request, type Response } from 'express'
import session from 'express-session'
import { attackPath, textbookDescription } from '../attackable.ts'
import { createJournal, type Journal } from '../journal.ts'
import { centsOf, type Ledger, money } from '../ledger.ts'
import { ada, mallory, type Person } from '../people.ts'
import { acceptSocket, refuseSocket } from '../socket.ts'
import { accountPage, signInPage, tokenPage } from './pages.ts'
import { readToken, signToken } from './token.ts'
import { bodies, corsForEveryone, methodInTheQuery, secureAnyway, tellBriefly } from './tutorial.ts'

declare module 'express-session' {
  interface SessionData {
    name: string
  }
}

export type TextbookBank = {
  app: Express
  journal: Journal
  ledger: Ledger
  upgrade(request: IncomingMessage, socket: Duplex): void
  /** Whether the browser that was here last by this carrier is signed in as this person. */
  isHere(by: 'cookie' | 'token', email: string): Promise<boolean>
  putPasswordsBack(): void
  /** Passwords and money as on the first day. */
  startOver(): void
}

/**
 * The bank of the textbook: a session id in a cookie for the pages, a JWT in localStorage for the modern ones.
 * Nothing here was invented to be weak: each line is in some tutorial, and each is missing one thing.
 */
export function createTextbook(ledger: Ledger, addresses: { bank: string; evil: string }): TextbookBank {
  const app = express()
  const journal = createJournal()
  const people = new Map<string, Person>()
  const secret = randomBytes(32).toString('hex')
  const store = new session.MemoryStore()
  const last = { sessionId: '', byToken: '' }
  const sessions = session({
    store,
    secret,
    resave: false,
    saveUninitialized: false,
    proxy: true,
    // "None", so that partners may embed the bank. Without an attribute, older browsers do the same.
    cookie: { httpOnly: true, secure: true, sameSite: 'none' },
  })

  function putPasswordsBack(): void {
    for (const person of [ada, mallory]) people.set(person.email, { ...person })
  }
  function startOver(): void {
    putPasswordsBack()
    for (const name of people.keys()) ledger.balance(name)
    ledger.startOver()
  }
  startOver()

  // Express writes a stack trace to the terminal in any other; what the answer gives away is the same.
  app.set('env', 'test')
  app.use(noting(journal), secureAnyway, corsForEveryone, methodInTheQuery, ...bodies, sessions)
  app.use((request, _response, next) => {
    if (request.session.name !== undefined) last.sessionId = request.sessionID
    next()
  })

  const callerOf = (request: Request): string | null => {
    const [, token] = /^Bearer (.+)$/.exec(request.headers.authorization ?? '') ?? []
    return token === undefined ? (request.session.name ?? null) : readToken(token, secret)
  }
  const inputOf = (request: Request): Record<string, unknown> => ({ ...request.query, ...request.body })
  const rightPassword = ({ email, password }: Record<string, unknown>): string | null =>
    people.get(String(email))?.password === password ? String(email) : null

  app.post('/sign-in', (request, response) => {
    const name = rightPassword(inputOf(request))
    if (name === null) return response.status(401).send(signInPage(addresses, 'That did not fit.'))
    request.session.name = name
    last.sessionId = request.sessionID
    return response.redirect(303, '/')
  })
  app.post('/token', (request, response) => {
    const name = rightPassword(inputOf(request))
    if (name === null) return response.status(401).json({ error: 'sign-in failed' })
    return response.json({ token: signToken(name, secret) })
  })
  // A token cannot be taken back: the page forgets it, and that is all that happens.
  app.all('/sign-out', (request, response) => {
    if (request.session.name === undefined) return response.status(401).end()
    return request.session.destroy(() => response.redirect(303, '/'))
  })
  app.all('/payments', (request, response) => {
    const from = callerOf(request)
    const { to, amount, note = '' } = inputOf(request)
    const cents = centsOf(amount)
    if (from === null) return response.status(401).json({ error: 'sign in first' })
    if (cents === null) return response.status(422).json({ error: 'no such amount' })
    const outcome = ledger.pay({ from, to: String(to), cents, note: String(note) })
    return outcome === 'paid' ? response.redirect(303, '/') : response.status(409).json({ error: outcome })
  })
  app.get('/balance', (request, response) => {
    const name = callerOf(request)
    if (name === null) return response.status(401).json({ error: 'sign in first' })
    const isItsPage = request.headers['sec-fetch-site'] === 'same-origin'
    if (isItsPage && request.headers.authorization !== undefined) last.byToken = name
    return response.json({ name, balance: ledger.balance(name) / 100, payments: ledger.payments(name) })
  })
  app.all('/password/change', (request, response) => {
    const person = people.get(callerOf(request) ?? '')
    if (person === undefined) return response.status(401).json({ error: 'sign in first' })
    person.password = String(inputOf(request).new)
    return response.redirect(303, '/')
  })
  app.get('/', (request, response) => {
    const { name } = request.session
    if (name === undefined) return response.send(signInPage(addresses, null))
    const [balance, payments] = [ledger.balance(name), ledger.payments(name)]
    return response.send(accountPage(addresses, { name, balance, payments }))
  })
  app.get(attackPath, (_request, response) => response.json(textbookDescription))
  app.get('/modern', (_request, response) => response.send(tokenPage(addresses)))
  app.use(express.static(new URL('./assets', import.meta.url).pathname))
  app.use(tellBriefly)

  async function isHere(by: 'cookie' | 'token', email: string): Promise<boolean> {
    // A token is never taken back, so whoever showed one is still here.
    if (by === 'token') return last.byToken === email
    return new Promise((resolve) => {
      store.get(last.sessionId, (_fault, found) => resolve(found?.name === email))
    })
  }

  function upgrade(request: IncomingMessage, socket: Duplex): void {
    secureAnyway(request)
    const asked = Object.assign(request, { originalUrl: request.url }) as Request
    sessions(asked, new ServerResponse(request) as Response, () => {
      const { name } = asked.session
      journal.note(sightingOf(request, name === undefined ? 401 : 101))
      if (name === undefined) return refuseSocket(socket, 401)
      acceptSocket(request, socket)(`${name} has ${money(ledger.balance(name))}`)
    })
  }

  return { app, journal, ledger, upgrade, isHere, putPasswordsBack, startOver }
}

function noting(journal: Journal) {
  return (request: Request, response: Response, next: NextFunction) => {
    // As they came: what follows turns method and address round.
    const sighting = sightingOf(request, 0)
    journal.note(sighting)
    response.on('close', () => {
      sighting.status = response.statusCode
    })
    next()
  }
}

function sightingOf(request: IncomingMessage, status: number) {
  const { method = '', url = '', headers } = request
  const one = (name: string) => String(headers[name] ?? '') || null
  return {
    method,
    path: url.split('?', 1)[0] ?? '',
    cookie: /(?:^|; )connect\.sid=/.test(headers.cookie ?? ''),
    site: one('sec-fetch-site'),
    origin: one('origin'),
    status,
  }
}
