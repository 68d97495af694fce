import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Caller } from './caller.ts'
import { createChecker } from './checker.ts'
import { cookieIdOf } from './cookie-check.ts'
import { feedKey } from './feed.ts'
import { createQuestions } from './questions.ts'
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

type Post = { asked: readonly string[]; answer: (values: readonly boolean[] | null) => void }

/** Questions whose requests are answered by hand. */
function desk(mostOpen: number, mostTogether: number) {
  const machine = handMachine(() => null)
  const checker = createChecker({ now: machine.now(), entries: 10 })
  const posts: Post[] = []
  const send = (asked: readonly string[]) =>
    new Promise<readonly boolean[] | null>((answer) => posts.push({ asked, answer }))
  return { machine, posts, ask: createQuestions<boolean>({ checker, machine, mostOpen, mostTogether, send }) }
}

const yes = ({ asked, answer }: Post) => answer(asked.map(() => true))

test('one question for each credential, shared only while it is young enough', async () => {
  const { machine, posts, ask } = desk(10, 1)
  const first = ask('a', 1000)
  assert.equal(ask('a', 1000), first)
  await machine.pass(999)
  assert.equal(ask('a', 1000), first)
  await machine.pass(2)
  const second = ask('a', 1000)
  assert.notEqual(second, first)
  assert.equal(ask('a', 1000), second)
  for (const post of posts) yes(post)
  const [early, late] = [await first, await second]
  assert.ok(early !== null && late !== null && early.askedAt < late.askedAt)
  const third = ask('a', 1000)
  assert.notEqual(third, second)
  posts.forEach(yes)
  assert.equal((await third)?.value, true)
})

test('what comes while enough are on their way waits, goes together in its order, and is as old as its sending', async () => {
  const { machine, posts, ask } = desk(2, 3)
  const all = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => ask(name, 1000))
  assert.deepEqual(
    posts.map(({ asked }) => asked.join('')),
    ['a', 'b'],
  )
  await machine.pass(1500)
  // Not sent yet, so it is as young as can be.
  assert.equal(ask('e', 1000), all[4])
  posts[0]?.answer([true])
  await machine.pass(0)
  assert.deepEqual(posts[2]?.asked, ['c', 'd', 'e'])
  posts[2]?.answer([false, true, false])
  await machine.pass(0)
  assert.deepEqual(posts[3]?.asked, ['f'])
  posts[1]?.answer([true])
  posts[3]?.answer([true])
  const said = await Promise.all(all)
  assert.deepEqual(
    said.map((one) => one?.value),
    [true, true, false, true, false, true],
  )
  assert.ok((said[2]?.askedAt ?? 0) >= (said[1]?.askedAt ?? 0) + 1500)
})

test('made-up credentials by the thousand turn nobody away: who comes after them is asked about after them', async () => {
  const { machine, posts, ask } = desk(8, 100)
  const madeUp = Array.from({ length: 9000 }, (_, index) => ask(`made-up-${index}`, 1000))
  const honest = ask('honest', 1000)
  for (let at = 0; at < posts.length; at++) {
    const { asked, answer } = posts[at] as Post
    answer(asked.map((name) => name === 'honest'))
    await machine.pass(0)
  }
  assert.equal((await honest)?.value, true)
  assert.ok((await Promise.all(madeUp)).every((said) => said?.value === false))
  assert.ok(posts.length <= 100, `${posts.length} requests`)
})

test('ten thousand may wait, for two seconds; whoever is beyond that is not asked about', async () => {
  const { machine, posts, ask } = desk(1, 100)
  const all = Array.from({ length: 10_001 }, (_, index) => ask(`${index}`, 1000))
  assert.equal(await ask('one more', 1000), null)
  assert.equal(await Promise.race([all[10_000], 'waits']), 'waits')
  await machine.pass(2001)
  posts.forEach(yes)
  const said = await Promise.all(all)
  assert.deepEqual([said[0]?.value, said[1], said[10_000]], [true, null, null])
  assert.equal(posts.length, 1)
  assert.notEqual(ask('1', 1000), all[1])
})

test('who waits behind a question that nobody answers is told so with it', async () => {
  const { machine, posts, ask } = desk(1, 100)
  const all = ['a', 'b', 'c'].map((name) => ask(name, 1000))
  posts[0]?.answer(null)
  assert.deepEqual(await Promise.all(all), [null, null, null])
  await machine.pass(0)
  const next = ask('b', 1000)
  posts.forEach(yes)
  assert.equal((await next)?.value, true)
})

test('an answer that is not about as many as were asked is none', async () => {
  const { hub, verifier } = await scene()
  const { machine } = hub
  const cookies = Array.from({ length: 20 }, (_, index) => Buffer.alloc(48, index + 20).toString('base64url'))
  const ids: string[][] = []
  hub.answers.statement = (init) => {
    const { cookies: asked } = JSON.parse(String(init.body))
    if (asked === undefined) return { statement: null }
    ids.push(asked)
    return { statements: asked.map(() => null) }
  }
  const found = Promise.all(cookies.map((value) => outcome(() => verifier.verifyCookie(value))))
  await machine.pass(0)
  assert.deepEqual(new Set(await found), new Set(['nobody']))
  assert.deepEqual(ids, [cookies.slice(8)])
  await machine.pass(2001)
  for (const statements of [[], [null], 'x', Array.from({ length: 12 }, () => ({}))]) {
    hub.answers.statement = (init) =>
      /cookies/.test(String(init.body)) ? { statements } : { statement: null }
    const again = Promise.all(cookies.map((value) => outcome(() => verifier.verifyCookie(value))))
    await machine.pass(0)
    const counted = (await again).filter((one) => one === 'feed_stale').length
    assert.equal(counted, 12, JSON.stringify(statements))
    await machine.pass(2001)
  }
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
