import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type Client, createVerifier, feedKey, type Verifier } from '@counterfoil/verifier'
import { run, type ServerProcess, startServer } from 'counterfoil/house'
import { becomeMember, type Pair, password, postJson, refresh, signIn } from '../chaos/visitor.ts'
import { insertAccount, policy } from './accounts.ts'

export type CookieSession = { readonly value: string; readonly sessionId: string }

/** A real server in a process of its own, with members and a client, on this machine alone. */
export type House = {
  readonly origin: string
  readonly issuer: string
  readonly client: Client
  /** Who `signIn` and `tokens` are. */
  readonly member: string
  verifier(): Promise<Verifier>
  signIn(): Promise<Pair>
  /** A session of the same member as `signIn`, carried by a cookie. */
  signInWithCookie(): Promise<CookieSession>
  /** Genuine access tokens, no two alike, of a few sessions. */
  tokens(count: number): Promise<string[]>
  /** Session cookies, each of a session of its own. */
  cookies(count: number): Promise<string[]>
  /** Another client, which may ask for that scope. */
  addClient(scope: string): Promise<Client>
  /** Ends a session and answers once that is acknowledged. */
  end(sessionId: string, accessToken: string): Promise<void>
  close(): Promise<void>
}

const tokenMember = 'ada@example.org'
const cookieMember = 'grace@example.org'
const sessions = 20
/** An attempt counts against its account until it has succeeded. */
const atOnce = 4

/** `ends`: sessions that ended in the last hour. `issuer`: its public address, where that is not its own. */
export async function openHouse(given: { ends: number; issuer?: string }): Promise<House> {
  const data = mkdtempSync(join(tmpdir(), 'counterfoil-bench-'))
  writeFileSync(join(data, 'policy.json'), JSON.stringify(policy))
  let server: ServerProcess | null = null
  closeOnSignal()
  const close = async () => {
    open.delete(close)
    await server?.kill()
    rmSync(data, { recursive: true, force: true })
  }
  open.add(close)
  try {
    server = await startServer(data)
    for (const email of [tokenMember, cookieMember]) await becomeMember(server.origin, email)
    const client = await addClient(data)
    await server.stop()
    writeEnds(join(data, 'counterfoil.db'), given.ends)
    await insertAccount(join(data, 'counterfoil.db'))
    server = await startServer(data, given.issuer === undefined ? [] : ['--issuer', given.issuer])
    return houseOf({ server, data, close, client, issuer: given.issuer ?? server.browserOrigin })
  } catch (error) {
    await close()
    throw error
  }
}

const open = new Set<() => Promise<void>>()

/** Servers are processes of their own, and would outlive us. */
function closeOnSignal(): void {
  const closeAll = async () => {
    await Promise.all([...open].map((close) => close()))
    process.exit(1)
  }
  if (process.listenerCount('SIGTERM') > 0) return
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void closeAll())
}

async function addClient(data: string, scope = ''): Promise<Client> {
  const { out, err } = await run(['clients', 'add', 'bench', '--scope', scope, '--data', data])
  const id = /client_id\s+(\S+)/.exec(out)?.[1]
  const secret = /client_secret\s+(\S+)/.exec(out)?.[1]
  if (id === undefined || secret === undefined) throw new Error(`no client was added: ${out}${err}`)
  return { id, secret }
}

/** As many rows as that many revocations leave in the log, spread over the hour before now. */
function writeEnds(file: string, count: number): void {
  if (count === 0) return
  const db = new DatabaseSync(file)
  const now = Math.floor(Date.now() / 1000)
  db.exec('begin')
  const { seq, epoch } = db.prepare('select seq, epoch from feed_head where id = 1').get() ?? {}
  const insert = db.prepare(
    'insert into feed_log (seq, epoch, kind, key, at, wants_ack) values (?, ?, ?, ?, ?, 0)',
  )
  for (let index = 1; index <= count; index++) {
    const at = now - 3600 + Math.floor((3600 * index) / count)
    insert.run(Number(seq) + index, Number(epoch), 'session', feedKey('session', `ended-${index}`), at)
  }
  db.prepare('update feed_head set seq = seq + ? where id = 1').run(count)
  db.exec('commit')
  db.close()
}

function houseOf(given: {
  server: ServerProcess
  data: string
  client: Client
  issuer: string
  close: () => Promise<void>
}): House {
  const { server, data, client, issuer, close } = given
  const { origin } = server
  return {
    ...{ origin, issuer, client, member: tokenMember },
    verifier: () =>
      createVerifier({
        issuer,
        audience: issuer,
        origin: 'https://api.example',
        client,
        log: () => {},
      }),
    signIn: () => signIn(origin, tokenMember),
    signInWithCookie: () => cookieOf({ origin, issuer, email: tokenMember }),
    async tokens(count) {
      const each = Math.ceil(count / sessions)
      const found = await repeat(Math.ceil(count / each), () => chain(origin, each))
      return found.flat().slice(0, count)
    },
    async cookies(count) {
      const found = await repeat(count, () => cookieOf({ origin, issuer, email: cookieMember }))
      return found.map(({ value }) => value)
    },
    addClient: (scope) => addClient(data, scope),
    async end(sessionId, accessToken) {
      const headers = { authorization: `Bearer ${accessToken}` }
      const answer = await fetch(`${origin}/auth/sessions/${sessionId}`, { method: 'DELETE', headers })
      if (answer.status !== 204) throw new Error(`not ended: ${answer.status} ${await answer.text()}`)
    },
    close,
  }
}

async function repeat<Found>(count: number, work: () => Promise<Found>): Promise<Found[]> {
  const found: Found[] = []
  while (found.length < count) {
    const some = Array.from({ length: Math.min(atOnce, count - found.length) }, work)
    found.push(...(await Promise.all(some)))
  }
  return found
}

/** One session's tokens, each a refresh after the one before. */
async function chain(origin: string, count: number): Promise<string[]> {
  let pair = await signIn(origin, tokenMember)
  const found = [pair.access_token]
  while (found.length < count) {
    const answer = await refresh(origin, pair.refresh_token)
    if (answer.status !== 200) throw new Error(`no other token: ${answer.status} ${await answer.text()}`)
    pair = (await answer.json()) as Pair
    found.push(pair.access_token)
  }
  return found
}

async function cookieOf(given: { origin: string; issuer: string; email: string }): Promise<CookieSession> {
  const { origin, issuer, email } = given
  const answer = await postJson(
    `${origin}/auth/sign-in`,
    { email, password, carrier: 'cookie' },
    { origin: issuer },
  )
  const value = /^__Host-Http-session=([^;]*)/.exec(answer.headers.get('set-cookie') ?? '')?.[1]
  if (value === undefined) throw new Error(`no cookie: ${answer.status} ${await answer.text()}`)
  const { session } = (await answer.json()) as { session: { id: string } }
  return { value, sessionId: session.id }
}
