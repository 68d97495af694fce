// Prints how many bytes one remembered credential takes beside its own string. A process for `memory.ts`.
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import {
  admit,
  type Checker,
  checkAccessToken,
  cookieRights,
  createChecker,
  type Instant,
  keysOf,
  parseKeySet,
  readCredential,
  readStatement,
  type Statement,
  sessionCookieName,
  statementOf,
  stepView,
  writeStatement,
} from '@counterfoil/verifier'
import { type Wire, wireOf } from './credentials.ts'
import { loadPeers } from './peers.ts'

const issuer = 'https://auth.example'
const now: Instant = { mono: performance.now(), wall: Date.now() }
const seconds = Math.floor(now.wall / 1000)
const [kind = '', count = ''] = process.argv.slice(2)
const entries = Number(count)

function heldBytes(): number {
  for (let pass = 0; pass < 4; pass++) globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** What the strings alone take, once each has been made. */
function stringBytes(wire: Wire): number {
  const held: string[] = new Array(wire.count).fill('')
  const before = heldBytes()
  for (let index = 0; index < held.length; index++) held[index] = wire.next()
  const bytes = heldBytes() - before
  // Used afterwards, so that none of it can have been collected before.
  return held.length === wire.count ? bytes : Number.NaN
}

function readyChecker(): Checker {
  const checker = createChecker({ now, entries })
  const snapshot = { epoch: 1, position: 0, window: 3900, entries: [] }
  stepView(checker.view, { kind: 'snapshot', snapshot }, now)
  return checker
}

const uuid = (index: number) =>
  `01997f2e-5b1c-7${String(index % 1000).padStart(3, '0')}-9${randomBytes(1).toString('hex')}a-${randomBytes(6).toString('hex')}`

/** As the server answers it, byte by byte. */
function statementText(index: number, cookieId: string): string {
  const statement: Statement = {
    account: { id: uuid(index), email: `member-${index}@example.org` },
    session: {
      id: uuid(index),
      created_at: seconds - index,
      last_seen_at: seconds,
      device: 'Firefox on Linux',
      carrier: 'cookie',
      current: true,
    },
    rights: cookieRights,
    ...{ authenticatedAt: seconds - index, clientId: 'first-party', cookieId, keyId: null },
    ...{ asOf: 0, readStart: seconds, end: seconds + 3600 },
  }
  return Buffer.from(writeStatement(statement)).toString()
}

/** Prepared in a call of its own: what is left in its registers is gone before anything is counted. */
function cookieWires(crowd: string): { alone: number; headers: Wire } {
  const made = Array.from({ length: entries }, () => randomBytes(48).toString('base64url'))
  const headers = wireOf(made.map((value) => `${crowd}${sessionCookieName}=${value}`))
  return { alone: stringBytes(wireOf(made)), headers }
}

function rememberCookies(crowd: string): number {
  const { alone, headers } = cookieWires(crowd)
  const checker = readyChecker()
  const before = heldBytes()
  for (let index = 0; index < entries; index++) {
    const credential = readCredential({ authorization: null, cookie: headers.next() })
    if (credential?.kind !== 'cookie') throw new Error('no cookie')
    const statement = readStatement(statementText(index, randomBytes(32).toString('base64url')))
    if (!statement) throw new Error('no statement')
    const given = {
      carried: 'cookies',
      credential: credential.value,
      statement,
      keys: keysOf(statement),
      askedAt: 0,
    } as const
    if (admit(checker, given, now).kind !== 'admitted') throw new Error('not admitted')
  }
  const bytes = heldBytes() - before - alone
  if (checker.cookies.size !== headers.count) throw new Error('some were forgotten')
  return bytes / entries
}

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const kid = randomBytes(32).toString('base64url')
const jwk = { ...publicKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' }

function tokenOf(index: number): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const times = { exp: seconds + 300, iat: seconds, jti: randomBytes(16).toString('base64url') }
  const session = {
    client_id: 'first-party',
    sid: uuid(index),
    scope: '',
    auth_time: seconds,
    amr: ['pwd'],
    as_of: 0,
  }
  const claims = { iss: issuer, sub: uuid(index), aud: issuer, ...times, ...session }
  const input = `${part({ alg: 'ES256', kid, typ: 'at+jwt' })}.${part(claims)}`
  const signature = sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' })
  return `${input}.${signature.toString('base64url')}`
}

function tokenWires(): { alone: number; headers: Wire; tokens: Wire } {
  const made = Array.from({ length: entries }, (_, index) => tokenOf(index))
  return {
    alone: stringBytes(wireOf(made)),
    headers: wireOf(made.map((token) => `Bearer ${token}`)),
    tokens: wireOf(made),
  }
}

function rememberTokens(): number {
  const { alone, headers } = tokenWires()
  const keys = parseKeySet(JSON.stringify({ keys: [jwk] }))
  if (keys === null) throw new Error('no keys')
  const checker = readyChecker()
  const before = heldBytes()
  for (let index = 0; index < entries; index++) {
    const credential = readCredential({ authorization: headers.next(), cookie: null })
    if (credential?.kind !== 'bearer') throw new Error('no token')
    const claims = checkAccessToken(credential.token, { keys, issuer, audience: issuer, now: seconds })
    const statement = statementOf(claims, kid)
    const given = {
      carried: 'tokens',
      credential: credential.token,
      statement,
      keys: keysOf(statement),
      askedAt: 0,
    } as const
    if (admit(checker, given, now).kind !== 'admitted') throw new Error('not admitted')
  }
  const bytes = heldBytes() - before - alone
  if (checker.tokens.size !== headers.count) throw new Error('some were forgotten')
  return bytes / entries
}

function rememberInFastJwt(): number {
  const { tokens } = tokenWires()
  const key = String(publicKey.export({ type: 'spki', format: 'pem' }))
  const fast = { key, algorithms: ['ES256'], allowedIss: issuer, allowedAud: issuer, cache: entries }
  const check = loadPeers().fastJwt.createVerifier(fast)
  const before = heldBytes()
  for (let index = 0; index < entries; index++) check(tokens.next())
  // It keeps a digest in place of the string.
  const bytes = heldBytes() - before
  if (check(tokens.next()).sub === undefined) throw new Error('nothing was kept')
  return bytes / entries
}

const crowd = `theme=${'dark'.repeat(122)}; `
const kinds: Readonly<Record<string, () => number>> = {
  cookie: () => rememberCookies(''),
  'crowded-cookie': () => rememberCookies(crowd),
  token: rememberTokens,
  'fast-jwt': rememberInFastJwt,
}
console.log(Math.round(kinds[kind]?.() ?? Number.NaN))
