import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Caller } from './caller.ts'
import { createChecker } from './checker.ts'
import { cookieIdOf } from './cookie-check.ts'
import { feedKey } from './feed.ts'
import { createQuestions, type Desk } from './questions.ts'
import { Refusal } from './refusal.ts'
import { cookieRights, type Statement } from './statement.ts'
import { type HandHub, handHub, issuer } from './testing/hub.ts'
import { handMachine } from './testing/machine.ts'
import { es256Key, signToken } from './testing/signed.ts'
import { startVerifier } from './verifier.ts'
import { writeStatement } from './wire.ts'

const seconds = (hub: HandHub) => Math.floor(hub.machine.now().wall / 1000)
const cookie = Buffer.alloc(48, 9).toString('base64url')

function statement(hub: HandHub, changes: Partial<Statement> = {}): object {
  const now = seconds(hub)
  const session = {
    id: 'ses_1',
    created_at: now,
    last_seen_at: now,
    device: '',
    carrier: 'cookie',
    current: true,
  } as const
  return JSON.parse(
    writeStatement({
      ...{ account: { id: 'acc_1', email: 'ada@example.org' }, session, rights: cookieRights },
      ...{ authenticatedAt: now, clientId: 'first-party', cookieId: cookieIdOf(cookie), keyId: null },
      ...{ asOf: 5, readStart: now, end: now + 3600, ...changes },
    }),
  )
}

const token = (hub: HandHub) => {
  const iat = seconds(hub)
  return signToken({ claims: { iss: issuer, aud: issuer, iat, exp: iat + 300, auth_time: iat, as_of: 5 } })
}

async function scene() {
  const hub = handHub()
  hub.answers.keys = { keys: [es256Key.jwk] }
  const options = {
    issuer,
    audience: issuer,
    origin: issuer,
    client: { id: 'api', secret: 's' },
    maxStale: 5,
  }
  const starting = startVerifier(options, hub.machine)
  await hub.machine.pass(0)
  const [first] = hub.connections
  assert.ok(first)
  hub.hello(first)
  hub.heartbeat(first)
  await hub.machine.pass(0)
  return { hub, first, verifier: await starting }
}

async function outcome(check: () => Caller | null | Promise<Caller | null>): Promise<string> {
  try {
    return (await check()) === null ? 'nobody' : 'accepted'
  } catch (error) {
    if (error instanceof Refusal) return error.code
    throw error
  }
}

test('a statement about another cookie is not believed, whoever mixed them up', async () => {
  const { hub, verifier } = await scene()
  hub.answers.statement = statement(hub, { cookieId: feedKey('cookie', 'other') })
  assert.equal(await outcome(() => verifier.verifyCookie(cookie)), 'feed_stale')
  assert.equal(verifier.status().entries, 0)
})

test('an answer that is older than an end is read again, three times in all', async () => {
  const { hub, first, verifier } = await scene()
  const entries = [{ position: 6, kind: 'account', key: feedKey('account', 'acc_1'), age: 0 }] as const
  first.send({ kind: 'revoked', epoch: 1, entries, wantsAck: false })
  await hub.machine.pass(0)
  hub.answers.statement = statement(hub)
  assert.equal(await outcome(() => verifier.verifyCookie(cookie)), 'feed_stale')
  assert.equal(hub.count('statement'), 3)
  let reads = 0
  hub.answers.statement = () => statement(hub, { asOf: reads++ === 0 ? 5 : 6 })
  assert.equal(await outcome(() => verifier.verifyCookie(cookie)), 'accepted')
  assert.equal(reads, 2)
})

test('an end that comes while a question is on its way ends what its answer says', async () => {
  const { hub, first, verifier } = await scene()
  const late = statement(hub)
  hub.answers.statement = () => {
    const entries = [{ position: 6, kind: 'session', key: feedKey('session', 'ses_1'), age: 0 }] as const
    first.send({ kind: 'revoked', epoch: 1, entries, wantsAck: false })
    return late
  }
  const found = verifier.verifyCookie(cookie)
  await hub.machine.pass(0)
  // Whichever of the two was taken in first.
  await outcome(() => found)
  assert.equal(await outcome(() => verifier.verifyCookie(cookie)), 'nobody')
})

test('what the server does not say in our words is no answer', async () => {
  const { hub, verifier } = await scene()
  for (const answer of [500, 503, 302, 401, {}, { statement: {} }, { statement: 7 }]) {
    hub.answers.statement = answer
    assert.equal(await outcome(() => verifier.verifyCookie(cookie)), 'feed_stale', JSON.stringify(answer))
  }
  hub.answers.statement = { statement: null }
  assert.equal(await outcome(() => verifier.verifyCookie(cookie)), 'nobody')
})

test('a token that is known is asked about once the feed is older than the route allows, and not before', async () => {
  const { hub, first, verifier } = await scene()
  const good = token(hub)
  assert.equal(await outcome(() => verifier.verify(good)), 'accepted')
  first.end()
  hub.answers.stream = 503
  await hub.machine.pass(3_500)
  assert.equal(await outcome(() => verifier.verify(good)), 'accepted')
  assert.equal(hub.count('introspect'), 0)
  assert.equal(await outcome(() => verifier.verify(good, { critical: true })), 'accepted')
  assert.equal(hub.count('introspect'), 1)
  await hub.machine.pass(2_500)
  assert.equal(await outcome(() => verifier.verify(good)), 'accepted')
  assert.equal(hub.count('introspect'), 1)
  await hub.machine.pass(3_000)
  hub.answers.introspect = { active: false }
  assert.equal(await outcome(() => verifier.verify(good)), 'session_ended')
  hub.answers.introspect = 500
  assert.equal(await outcome(() => verifier.verify(good)), 'feed_stale')
  assert.equal(await outcome(() => verifier.verify(good, { lenient: true })), 'accepted')
  await hub.machine.pass(300_000)
  assert.equal(await outcome(() => verifier.verify(good, { lenient: true })), 'token_expired')
})

test('a token that is bound to a key is refused, since no proof is checked here', async () => {
  const { hub, verifier } = await scene()
  const iat = seconds(hub)
  const claims = { iss: issuer, aud: issuer, iat, exp: iat + 300, cnf: { jkt: 'x'.repeat(43) } }
  assert.equal(await outcome(() => verifier.verify(signToken({ claims }))), 'credential_invalid')
})

test('one question for each credential, shared only while it is young enough, and 500 in all', async () => {
  const machine = handMachine(() => null)
  const checker = createChecker({ now: machine.now(), entries: 10 })
  const desk: Desk = { open: 0 }
  const open: (() => void)[] = []
  const ask = createQuestions<boolean>({
    ...{ checker, machine, desk },
    send: () => new Promise((resolve) => open.push(() => resolve({ value: true }))),
  })
  const first = ask('a', 1000)
  assert.equal(ask('a', 1000), first)
  await machine.pass(999)
  assert.equal(ask('a', 1000), first)
  await machine.pass(2)
  const second = ask('a', 1000)
  assert.notEqual(second, first)
  assert.equal(ask('a', 1000), second)
  const rest = Array.from({ length: 498 }, (_, index) => ask(`b${index}`, 1000))
  assert.equal(desk.open, 500)
  assert.equal(await ask('c', 1000), null)
  for (const answer of open) answer()
  const [early, late] = [await first, await second]
  assert.ok(early !== null && late !== null && early.askedAt < late.askedAt)
  await Promise.all(rest)
  assert.equal(desk.open, 0)
})

test('a verifier that is closed accepts nobody any more, and then tells the server so, once', async () => {
  const { hub, first, verifier } = await scene()
  hub.answers.statement = statement(hub)
  const good = token(hub)
  assert.equal(await outcome(() => verifier.verify(good)), 'accepted')
  const known = verifier.verifyCookie(cookie)
  await hub.machine.pass(0)
  assert.equal(await outcome(() => known), 'accepted')
  const acks = () =>
    hub.machine.requests
      .filter(({ address }) => address === `${issuer}/ack`)
      .map(({ init }) => JSON.parse(String(init.body)))
  const before = acks().length
  const closing = verifier.close()
  const refused = async () => {
    for (const caller of [() => verifier.verify(good), () => verifier.verifyCookie(cookie)])
      assert.equal(await outcome(caller), 'feed_stale')
  }
  await refused()
  await hub.machine.pass(0)
  await closing
  assert.deepEqual(acks().slice(before), [{ verifier: first.verifier, position: 5, leaving: true }])
  await hub.machine.pass(100_000)
  await refused()
  assert.equal(acks().length, before + 1)
})
