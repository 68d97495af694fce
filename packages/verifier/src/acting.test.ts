import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createActing } from './acting.ts'
import { sha256 } from './cryptography.ts'
import type { Exchanged } from './exchange.ts'
import { parseJws, readPayload } from './jws.ts'
import { handMachine } from './testing/machine.ts'
import { isEndOfGrant, workerRefusal } from './worker-refusal.ts'
import { createSigner } from './worker-signing.ts'

const origin = 'https://api.example'
const asked = { grantId: 'gra_1', scope: null, resource: origin }
const ok = () => new Response('fine')

type Answer = () => Exchanged | Promise<Exchanged>

async function scene(given: { exchange?: Answer; answer?: (init: RequestInit) => Response } = {}) {
  let count = 0
  const world = {
    exchange: given.exchange ?? ((): Exchanged => ({ token: `token-${count}`, lifeSeconds: 300 })),
    answer: given.answer ?? ok,
    count: () => count,
  }
  const machine = handMachine((_, init) => world.answer(init))
  const exchange = async () => {
    count++
    return world.exchange()
  }
  const binding = await createSigner()
  return Object.assign(world, {
    machine,
    acting: createActing({ asked, origin, exchange, binding, machine }),
  })
}

const ended = (): never => {
  throw workerRefusal('grant_withdrawn')
}
const away = (): never => {
  throw workerRefusal('server_unavailable', { retryAfterSeconds: 1 })
}
const unauthorized = (headers: Record<string, string> = {}) => new Response('no', { status: 401, headers })
const shownToken = (init: RequestInit) => new Headers(init.headers).get('authorization')
const code = (code: string) => (error: unknown) =>
  error instanceof Error && 'code' in error && error.code === code

test('a token is asked for once by all who need one, and again when it has a minute left', async () => {
  const { acting, machine, count } = await scene()
  const tokens = await Promise.all(Array.from({ length: 20 }, () => acting.token()))
  assert.deepEqual([...new Set(tokens)], ['token-1'])
  await machine.pass(239_000)
  assert.equal(await acting.token(), 'token-1')
  await machine.pass(2_000)
  assert.equal(await acting.token(), 'token-2')
  assert.equal(count(), 2)
})

test('while the server is away, a token that is good yet is used; then the call fails, and a later one goes through', async () => {
  const world = await scene()
  const { acting, machine } = world
  await acting.token()
  const well = world.exchange
  world.exchange = away
  await machine.pass(280_000)
  assert.equal(await acting.token(), 'token-1')
  await machine.pass(18_000)
  await assert.rejects(acting.token(), code('server_unavailable'))
  assert.equal(acting.ended(), null)
  world.exchange = well
  assert.match(await acting.token(), /^token-/)
})

test('once the grant has ended nobody is asked any more, and every call says why', async () => {
  const world = await scene({ exchange: ended })
  for (let round = 0; round < 3; round++) {
    await assert.rejects(world.acting.fetch(origin), code('grant_withdrawn'))
    await assert.rejects(world.acting.token(), isEndOfGrant)
  }
  assert.equal(world.count(), 1)
  assert.equal(world.machine.requests.length, 0)
  assert.equal(world.acting.ended()?.code, 'grant_withdrawn')
})

test('a token that is good yet is not used once the grant is known to have ended', async () => {
  const world = await scene()
  await world.acting.token()
  await world.machine.pass(250_000)
  world.exchange = ended
  await assert.rejects(world.acting.token(), code('grant_withdrawn'))
})

test('a 401 is looked into once: the end is thrown at the very next call', async () => {
  const world = await scene()
  await world.acting.fetch(origin)
  world.answer = () => unauthorized()
  world.exchange = ended
  await assert.rejects(world.acting.fetch(origin), code('grant_withdrawn'))
  assert.equal(world.count(), 2)
})

test('where the grant goes on, the request is sent again with another token, and after a second 401 no more', async () => {
  const world = await scene()
  await world.acting.fetch(origin)
  world.answer = (init) => (shownToken(init) === 'DPoP token-1' ? unauthorized() : ok())
  const again = await world.acting.fetch(origin, { method: 'post', body: 'the same' })
  assert.equal(await again.text(), 'fine')
  const [, first, second] = world.machine.requests
  assert.deepEqual([first?.init.body, second?.init.body], ['the same', 'the same'])
  world.answer = () => unauthorized()
  assert.equal((await world.acting.fetch(origin)).status, 401)
  assert.deepEqual([world.count(), world.machine.requests.length], [3, 5])
})

test('a body that can be read once alone is not sent twice, and its 401 is looked into all the same', async () => {
  const world = await scene({ answer: () => unauthorized() })
  const body = () => new Response('stream').body
  const init = { method: 'POST', duplex: 'half' }
  assert.equal((await world.acting.fetch(origin, { ...init, body: body() })).status, 401)
  assert.equal(world.machine.requests.length, 1)
  world.exchange = ended
  await assert.rejects(world.acting.fetch(origin, { ...init, body: body() }), code('grant_withdrawn'))
})

test('an exchange that began before a 401 says nothing of the end behind it: another one is asked', async () => {
  const world = await scene()
  await world.acting.fetch(origin)
  let goOn = (_: Exchanged) => {}
  world.exchange = () =>
    new Promise((resolve) => {
      goOn = resolve
    })
  world.answer = () => unauthorized()
  const first = world.acting.fetch(origin)
  while (world.count() < 2) await new Promise((resolve) => setImmediate(resolve))
  const second = assert.rejects(world.acting.fetch(origin), code('grant_withdrawn'))
  while (world.machine.requests.length < 3) await new Promise((resolve) => setImmediate(resolve))
  await world.machine.pass(0)
  world.exchange = ended
  goOn({ token: 'token-2', lifeSeconds: 300 })
  await second
  assert.equal((await first).status, 401)
  assert.equal(world.count(), 3)
})

test('every request has a proof of its own, for its method and address, with the token and the nonce of that service', async () => {
  let isFirst = true
  const world = await scene()
  world.answer = () => {
    const headers = { 'dpop-nonce': 'n1', 'www-authenticate': 'DPoP error="use_dpop_nonce"' }
    const answer = isFirst ? unauthorized(headers) : ok()
    isFirst = false
    return answer
  }
  const answer = await world.acting.fetch(`${origin}/statements?month=11`, { method: 'post', body: 'x' })
  assert.equal(answer.status, 200)
  assert.equal(world.count(), 1)
  const proofs = world.machine.requests.map(({ init }) => {
    const jws = parseJws(new Headers(init.headers).get('dpop') ?? '')
    return jws === null ? {} : (readPayload(jws) ?? {})
  })
  assert.equal(new Set(proofs.map(({ jti }) => jti)).size, 2)
  for (const { htm, htu, ath } of proofs)
    assert.deepEqual([htm, htu, ath], ['POST', `${origin}/statements`, sha256('token-1')])
  assert.deepEqual(
    proofs.map(({ nonce }) => nonce),
    [undefined, 'n1'],
  )
})

test('a token goes where it is for and nowhere else, and is carried along no redirect', async () => {
  const { acting, machine } = await scene()
  for (const address of ['https://evil.example/', 'http://api.example/', 'https://api.example:444/'])
    await assert.rejects(acting.fetch(address), /this token is for https:\/\/api\.example, not for/)
  await assert.rejects(acting.headers('GET', 'https://api.example.evil.example/'), /not for/)
  assert.equal(machine.requests.length, 0)
  await acting.fetch(origin, { redirect: 'follow' })
  assert.equal(machine.requests[0]?.init.redirect, 'error')
  await acting.fetch(origin, {
    redirect: 'manual',
    headers: { authorization: 'Bearer other', accept: 'a/b' },
  })
  const { redirect, headers } = machine.requests[1]?.init ?? {}
  assert.deepEqual([redirect, new Headers(headers).get('accept')], ['manual', 'a/b'])
  assert.match(new Headers(headers).get('authorization') ?? '', /^DPoP token-1$/)
})
