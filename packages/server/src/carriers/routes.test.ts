import assert from 'node:assert/strict'
import { it } from 'node:test'
import { parseJws, readPayload } from '@counterfoil/verifier'
import { onEachEngine } from '../testing/engines.ts'
import { openHouse, type TestHouse } from '../testing/house.ts'
import {
  type BoundAnswer,
  type KeyHolder,
  keyHolder,
  sendProven,
  signInBound,
} from '../testing/key-holder.ts'

const api = 'https://api.example'
const policy = { audiences: [api] }
type Member = Awaited<ReturnType<TestHouse['member']>>
type Session = { id: string; carrier: string }

function exchange(house: TestHouse, { browser }: Member, holder: KeyHolder, json: object): Promise<Response> {
  return sendProven(house, { agent: browser, holder }, { method: 'POST', path: '/auth/token', json })
}

const codeOf = async (answer: Response) => [answer.status, ((await answer.json()) as { code: string }).code]

const sessionAt = async (answer: Response) =>
  answer.status === 200 ? ((await answer.json()) as { session: Session }).session : answer.status

onEachEngine('a token beside a cookie', (open) => {
  it('is bound, made for a listed audience, and of the very session of the cookie', async () => {
    const house = await openHouse(open, { policy })
    const member = await house.member()
    const session = await sessionAt(await member.browser.get('/auth/session'))
    const holder = keyHolder()
    const answer = await exchange(house, member, holder, { audience: api })
    assert.equal(answer.status, 200)
    const given = (await answer.json()) as Record<string, unknown>
    assert.deepEqual(Object.keys(given), ['access_token', 'token_type', 'expires_in'])
    assert.deepEqual([given.token_type, given.expires_in], ['DPoP', 300])
    const jws = parseJws(String(given.access_token))
    const claims = jws && readPayload(jws)
    assert.ok(claims !== null && typeof session === 'object')
    assert.deepEqual([claims.aud, claims.sid, claims.scope], [api, session.id, ''])
    assert.equal(JSON.stringify(claims.cnf), JSON.stringify({ jkt: holder.thumbprint }))
    // It is for them, not for us.
    const own = { method: 'GET', path: '/auth/session', token: String(given.access_token) }
    assert.equal((await sendProven(house, { agent: house.program(), holder }, own)).status, 401)
  })

  it('is refused without a proof, without a nonce, for others, with a scope, and to whoever shows no cookie', async () => {
    const house = await openHouse(open, { policy })
    const member = await house.member()
    const holder = keyHolder()
    const json = { audience: api }
    assert.deepEqual(await codeOf(await member.browser.post('/auth/token', json)), [401, 'proof_invalid'])
    const url = `${house.issuer}/auth/token`
    const dpop = holder.proof({ method: 'POST', url, now: house.machine.clock.now() })
    const early = await member.browser.post('/auth/token', json, { dpop })
    assert.deepEqual(await codeOf(early), [401, 'proof_nonce_needed'])
    for (const audience of [`${api}/`, 'https://other.example', house.issuer, ''])
      assert.deepEqual(await codeOf(await exchange(house, member, holder, { audience })), [
        400,
        'target_invalid',
      ])
    const scoped = await exchange(house, member, holder, { ...json, scope: 'read' })
    assert.deepEqual(await codeOf(scoped), [400, 'scope_invalid'])
    const { access_token: token } = await signInBound(house, holder, member)
    const send = { method: 'POST', path: '/auth/token', json, token }
    const byToken = await sendProven(house, { agent: house.program(), holder }, send)
    assert.deepEqual(await codeOf(byToken), [409, 'carrier_wrong'])
    const closed = await openHouse(open)
    const other = await closed.member()
    assert.deepEqual(await codeOf(await exchange(closed, other, holder, json)), [400, 'target_invalid'])
  })
})

onEachEngine('the other carrier', (open) => {
  it('takes the session over: from a cookie to a bound token, and the cookie is dead everywhere', async () => {
    const house = await openHouse(open)
    const member = await house.member()
    const neighbour = await house.neighbour()
    const copy = new Map(member.browser.cookies)
    const before = await sessionAt(await member.browser.get('/auth/session'))
    const holder = keyHolder()
    const given = {
      method: 'POST',
      path: '/auth/carrier',
      json: { carrier: 'token', password: member.password },
    }
    const answer = await sendProven(house, { agent: member.browser, holder }, given)
    assert.equal(answer.status, 200)
    const tokens = (await answer.json()) as BoundAnswer & { session: Session }
    assert.ok(typeof before === 'object')
    assert.deepEqual(
      [tokens.token_type, tokens.session.id, tokens.session.carrier],
      ['DPoP', before.id, 'token'],
    )
    assert.equal(member.browser.cookies.has('__Host-Http-session'), false)
    await neighbour.house.chores.poll()
    for (const { house: at } of [house, neighbour]) {
      const thief = house.browser()
      for (const [name, value] of copy) thief.cookies.set(name, value)
      const cookie = [...thief.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
      const asked = await at.fetch(new Request(`${house.issuer}/auth/session`, { headers: { cookie } }))
      assert.equal(asked.status, 401)
    }
    const own = { method: 'GET', path: '/auth/session', token: tokens.access_token }
    const shown = await sessionAt(await sendProven(house, { agent: house.program(), holder }, own))
    assert.ok(typeof shown === 'object')
    assert.deepEqual([shown.id, shown.carrier], [before.id, 'token'])
  })

  it('takes it over from a token to a cookie, and the refresh token is dead', async () => {
    const house = await openHouse(open)
    const { email, password } = await house.member()
    const tokens = await house.tokens(email)
    const browser = house.browser()
    const authorization = `Bearer ${tokens.access_token}`
    const answer = await browser.post('/auth/carrier', { carrier: 'cookie', password }, { authorization })
    assert.equal(answer.status, 200)
    const moved = await sessionAt(answer)
    assert.deepEqual(moved, { ...(moved as Session), id: tokens.session.id, carrier: 'cookie' })
    assert.deepEqual(await sessionAt(await browser.get('/auth/session')), moved)
    const form = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token }
    assert.equal((await house.program().submit('/oauth/token', form)).status, 400)
    assert.equal((await browser.get('/auth/session')).status, 200)
  })

  it('is not to be had for a cookie that was replaced, however long before that the request began', async () => {
    const house = await openHouse(open, { policy })
    const { browser, password } = await house.member()
    const copy = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const holder = keyHolder()
    /** The head comes now, and with it the caller is judged; the body when it is told to. */
    function begin(path: string, json: object) {
      const url = `${house.issuer}${path}`
      const nonce = house.house.carriers.proofs.nonce()
      const dpop = holder.proof({ method: 'POST', url, now: house.machine.clock.now(), nonce })
      const headers = {
        'content-type': 'application/json',
        'sec-fetch-site': 'same-origin',
        cookie: copy,
        dpop,
      }
      const held = Promise.withResolvers<void>()
      const judged = Promise.withResolvers<void>()
      const body = new ReadableStream<Uint8Array>(
        {
          async pull(controller) {
            judged.resolve()
            await held.promise
            controller.enqueue(new TextEncoder().encode(JSON.stringify(json)))
            controller.close()
          },
        },
        { highWaterMark: 0 },
      )
      const answer = house.house.fetch(
        new Request(url, { method: 'POST', headers, body, ...{ duplex: 'half' } }),
      )
      return { judged: judged.promise, answer, finish: held.resolve }
    }
    const begun = [
      begin('/auth/carrier', { carrier: 'token', password }),
      begin('/auth/token', { audience: api }),
    ]
    for (const { judged } of begun) await judged
    assert.equal((await browser.post('/auth/reauthenticate', { password })).status, 200)
    for (const { answer, finish } of begun) {
      finish()
      assert.deepEqual(await codeOf(await answer), [401, 'credential_missing'])
    }
    assert.equal((await browser.get('/auth/session')).status, 200)
  })

  it('is not to be had for a token of before the session moved to a cookie', async () => {
    const house = await openHouse(open)
    const { email, password } = await house.member()
    const browser = house.browser()
    const authorization = `Bearer ${(await house.tokens(email)).access_token}`
    const moving = { carrier: 'cookie', password }
    assert.equal((await browser.post('/auth/carrier', moving, { authorization })).status, 200)
    for (const carrier of ['token', 'cookie']) {
      const taken = await house.browser().post('/auth/carrier', { carrier, password }, { authorization })
      assert.deepEqual(await codeOf(taken), [409, 'carrier_wrong'], carrier)
    }
    assert.equal((await browser.get('/auth/session')).status, 200)
  })

  it('is refused where the session is carried so already, and without evidence', async () => {
    const house = await openHouse(open)
    const { browser, email, password } = await house.member()
    const moving = { carrier: 'cookie', password }
    assert.deepEqual(await codeOf(await browser.post('/auth/carrier', moving)), [409, 'carrier_wrong'])
    const authorization = `Bearer ${(await house.tokens(email)).access_token}`
    const forged = await house.program().post('/auth/carrier', moving, { authorization })
    assert.deepEqual(await codeOf(forged), [403, 'forged_request'])
  })

  it('is refused without the password and with another one, however lately somebody signed in', async () => {
    const house = await openHouse(open)
    const { browser, email, password } = await house.member()
    const authorization = `Bearer ${(await house.tokens(email)).access_token}`
    for (const [agent, carrier, headers] of [
      [browser, 'token', {}],
      [house.browser(), 'cookie', { authorization }],
    ] as const) {
      const attempt = async (given: object) =>
        codeOf(await agent.post('/auth/carrier', { carrier, ...given }, headers))
      assert.equal((await attempt({}))[0], 400, carrier)
      assert.deepEqual(
        await attempt({ password: 'another one altogether' }),
        [403, 'password_wrong'],
        carrier,
      )
      assert.equal((await agent.get('/auth/session', headers)).status, 200, carrier)
    }
    assert.equal((await browser.post('/auth/carrier', { carrier: 'token', password })).status, 200)
  })
})
