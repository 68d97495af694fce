// Before an attack is seen to fail at ours it is seen to succeed at the textbook's application, in the same test: what
// fails everywhere proves nothing. catalogue.ts says of which attacks that can be shown.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { catalogue } from './catalogue.ts'
import { requestText, sendRaw, statusOf } from './raw-request.ts'
import {
  rememberName,
  startTextbookApp,
  type TextbookApp,
  type TextbookOptions,
  type TextbookState,
  textbookAccount,
} from './textbook-app.ts'
import { pageChecks } from './textbook-checks.ts'

export { rememberName, textbookAccount }

export type Headers = Readonly<Record<string, string>>
const fallen = new Set<string>()
const opened: TextbookApp[] = []
after(() => Promise.all(opened.map((app) => app.close())))

/** The attack made a difference at the textbook: money moved, a password changed, a thief became somebody. */
export function expectFallen(id: string, seen: { before: unknown; after: unknown }, about = ''): void {
  assert.notDeepEqual(
    seen.after,
    seen.before,
    `${id} fails at the textbook too, and proves nothing: ${about}`,
  )
  fallen.add(id)
}

/** The last test of a file of attacks: those that the catalogue says so of were seen to succeed. */
export function everyAttackIsReal(file: string): void {
  test('each of these attacks was first seen to succeed at the textbook', () => {
    const expected = catalogue.filter(({ falls }) => falls.includes(file)).map(({ id }) => id)
    assert.ok(expected.length > 0, `the catalogue knows nothing of ${file}`)
    assert.deepEqual([...fallen].sort(), expected.sort())
  })
}

export async function startTextbook(options: TextbookOptions = {}) {
  const app = await startTextbookApp(options)
  opened.push(app)
  const { state, port } = app

  async function raw(text: string) {
    const answer = await sendRaw(port, text)
    const [head = '', ...rest] = answer.split('\r\n\r\n')
    const header = (name: string) => new RegExp(`^${name}: (.*)$`, 'im').exec(head)?.[1]?.trim() ?? null
    return { status: statusOf(answer), header, body: rest.join('\r\n\r\n') }
  }
  async function send(line: string, headers: Headers = {}, body = '') {
    const [method = '', path = ''] = line.split(' ')
    const lines = Object.entries({ host: new URL(state.own).host, ...headers }).map((pair) => pair.join(': '))
    return raw(requestText(method, path, lines, body))
  }
  async function signIn(headers: Headers = {}): Promise<string> {
    const { name: email } = textbookAccount
    const body = new URLSearchParams({ email, password: state.password }).toString()
    const type = { 'content-type': 'application/x-www-form-urlencoded' }
    const answer = await send('POST /login', { ...type, ...headers }, body)
    return answer.header('set-cookie')?.split(';', 1)[0] ?? headers.cookie ?? ''
  }
  async function tokens(): Promise<{ access: string; refresh: string }> {
    const body = JSON.stringify({ email: textbookAccount.name, password: state.password })
    return JSON.parse((await send('POST /token', { 'content-type': 'application/json' }, body)).body)
  }
  /** Whom it takes the sender of these headers for. */
  async function whoIs(headers: Headers, query = ''): Promise<string | null> {
    const { status, body } = await send(`GET /me${query}`, headers)
    return status === 200 ? JSON.parse(body).email : null
  }
  const stake = () => ({ balance: state.balance, password: state.password })
  return { ...app, raw, send, signIn, tokens, whoIs, stake }
}

export type AtTextbook = Awaited<ReturnType<typeof startTextbook>>

let shared: Promise<AtTextbook> | null = null

/** One for all tests of a file; browsers know it as `own`, and it takes every page for its own again. */
export async function atTextbook(own = 'http://localhost:3000'): Promise<AtTextbook> {
  shared ??= startTextbook()
  const textbook = await shared
  const open: Partial<TextbookState> = { own, isOwnPage: () => true, readableBy: (origin) => origin }
  Object.assign(textbook.state, open)
  return textbook
}

/** What every check of a page stops; one that lets it through is none. */
const plainForgery: Headers = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }

type Attempt = (headers: Headers) => Promise<unknown>

const shown = new Set<string>()
let changes = 0

/**
 * Forges with these headers where nothing is checked; and, unless it is the plain forgery itself, where people check
 * something that does stop the plain one.
 */
export async function expectForgeryWorks(id: string, own: string, headers: Headers): Promise<void> {
  // Once a file is enough: the textbook has no database of which there are two kinds.
  const key = JSON.stringify([id, own, headers])
  if (shown.has(key)) return
  shown.add(key)
  const textbook = await atTextbook(own)
  const cookie = await textbook.signIn()
  const type = { cookie, 'content-type': 'application/x-www-form-urlencoded' }
  const pay: Attempt = (sent) => textbook.send('POST /transfer', { ...type, ...sent }, 'to=mallory&amount=1')

  const change: Attempt = (sent) => {
    changes += 1
    return textbook.send('POST /password', { ...type, ...sent }, `new=${id}+number+${changes}`)
  }
  for (const attempt of [pay, change]) await expectAttemptWorks(id, textbook, attempt, headers)
}

export async function expectAttemptWorks(
  id: string,
  textbook: AtTextbook,
  attempt: Attempt,
  headers: Headers,
  stake: () => unknown = textbook.stake,
  about = JSON.stringify(headers),
): Promise<void> {
  const { state } = textbook
  state.isOwnPage = () => true
  const makesADifference = async (sent: Headers) => {
    const before = stake()
    await attempt(sent)
    return { before, after: stake() }
  }
  expectFallen(id, await makesADifference(headers), about)
  if (JSON.stringify(headers) === JSON.stringify(plainForgery)) return
  const fooled: string[] = []
  for (const [name, check] of Object.entries(pageChecks)) {
    state.isOwnPage = check
    const { before, after: plain } = await makesADifference(plainForgery)
    assert.deepEqual(plain, before, `"${name}" stops the plain forgery`)
    const bent = await makesADifference(headers)
    if (JSON.stringify(bent.after) !== JSON.stringify(bent.before)) fooled.push(name)
  }
  state.isOwnPage = () => true
  assert.notDeepEqual(fooled, [], `${id}: no check that people write is fooled by ${about}`)
}
