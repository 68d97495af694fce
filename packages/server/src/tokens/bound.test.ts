import assert from 'node:assert/strict'
import { it } from 'node:test'
import { parseJws, readPayload } from '@counterfoil/verifier'
import { onEachEngine } from '../testing/engines.ts'
import { goodPassword, openHouse, otherPassword, type TestHouse } from '../testing/house.ts'
import {
  type BoundAnswer,
  type KeyHolder,
  keyHolder,
  sendProven,
  signInBound,
} from '../testing/key-holder.ts'

const payloadOf = (token: string) => {
  const jws = parseJws(token)
  return jws === null ? null : readPayload(jws)
}

/** Refreshes with a proof by `holder`. */
function refresh(house: TestHouse, holder: KeyHolder, refresh_token: string): Promise<Response> {
  const form = { grant_type: 'refresh_token', refresh_token }
  return sendProven(house, { agent: house.program(), holder }, { method: 'POST', path: '/oauth/token', form })
}

function refreshPlainly(house: TestHouse, refresh_token: string): Promise<Response> {
  return house.program().submit('/oauth/token', { grant_type: 'refresh_token', refresh_token })
}

function send(
  house: TestHouse,
  holder: KeyHolder,
  given: { method: string; path: string; token: string; json?: object },
): Promise<Response> {
  return sendProven(house, { agent: house.program(), holder }, given)
}

const errorOf = async (answer: Response) => {
  const { error, code } = (await answer.json()) as { error?: string; code?: string }
  return [answer.status, error ?? code]
}

onEachEngine('bound tokens', (open) => {
  it('are handed out at sign-in to whoever proves a key, and name its thumbprint', async () => {
    const house = await openHouse(open)
    const member = await house.member()
    for (const holder of [keyHolder('ES256'), keyHolder('Ed25519'), keyHolder('RS256')]) {
      const answer = await signInBound(house, holder, member)
      assert.equal(answer.token_type, 'DPoP')
      assert.deepEqual(payloadOf(answer.access_token)?.cnf, { jkt: holder.thumbprint })
      const path = '/auth/session'
      const shown = await send(house, holder, { method: 'GET', path, token: answer.access_token })
      assert.equal(shown.status, 200)
      const caller = (await shown.json()) as { carrier: string; session: { carrier: string; id: string } }
      assert.deepEqual([caller.carrier, caller.session.carrier], ['dpop', 'token'])
      assert.equal(caller.session.id, answer.session.id)
    }
  })

  it('cost no statement a request once they are known, and still need a proof each time', async () => {
    const house = await openHouse(open)
    const holder = keyHolder()
    const { access_token: token } = await signInBound(house, holder, await house.member())
    await send(house, holder, { method: 'GET', path: '/auth/session', token })
    house.statements.length = 0
    for (let round = 0; round < 5; round++) {
      const answer = await send(house, holder, { method: 'GET', path: '/auth/session', token })
      assert.equal(answer.status, 200)
      const bare = await house.program().get('/auth/session', { authorization: `DPoP ${token}` })
      assert.deepEqual(await errorOf(bare), [401, 'proof_invalid'])
      const stolen = await send(house, keyHolder(), { method: 'GET', path: '/auth/session', token })
      assert.deepEqual(await errorOf(stolen), [401, 'proof_invalid'])
    }
    assert.deepEqual(house.statements, [])
  })

  it('are no Bearer tokens, and Bearer tokens are not bound', async () => {
    const house = await openHouse(open)
    const { email, password } = await house.member()
    const holder = keyHolder()
    const bound = await signInBound(house, holder, { email, password })
    for (let round = 0; round < 2; round++) {
      const asBearer = await house
        .program()
        .get('/auth/session', { authorization: `Bearer ${bound.access_token}` })
      assert.deepEqual(await errorOf(asBearer), [401, 'credential_invalid'])
      const { access_token: token } = await house.tokens(email)
      const asBound = await send(house, holder, { method: 'GET', path: '/auth/session', token })
      assert.deepEqual(await errorOf(asBound), [401, 'credential_invalid'])
    }
  })

  it('say what plain ones say, in the order that a verifier reads at once, and behind it the key', async () => {
    const house = await openHouse(open)
    const member = await house.member()
    const { access_token: plain } = await house.tokens(member.email)
    const { access_token: bound } = await signInBound(house, keyHolder(), member)
    // The order of `usual-claims.ts` in the verifier, which reads all others with more work.
    const usual = 'iss sub aud exp iat jti client_id sid scope auth_time amr as_of'.split(' ')
    assert.deepEqual(Object.keys(payloadOf(plain) ?? {}), usual)
    assert.deepEqual(Object.keys(payloadOf(bound) ?? {}), [...usual, 'cnf'])
  })

  it('are refreshed as often as anybody likes by the same key: the refresh token stays, and lost answers do no harm', async () => {
    const house = await openHouse(open)
    const holder = keyHolder()
    const { refresh_token, session } = await signInBound(house, holder, await house.member())
    const answers = await Promise.all(Array.from({ length: 8 }, () => refresh(house, holder, refresh_token)))
    for (const answer of answers) {
      assert.equal(answer.status, 200)
      const pair = (await answer.json()) as BoundAnswer
      assert.equal(pair.refresh_token, refresh_token)
      assert.equal(pair.token_type, 'DPoP')
      const claims = payloadOf(pair.access_token)
      assert.deepEqual(
        [claims?.sid, JSON.stringify(claims?.cnf)],
        [session.id, JSON.stringify({ jkt: holder.thumbprint })],
      )
    }
    house.machine.clock.advance(3600)
    await house.house.chores.tick()
    assert.equal((await refresh(house, holder, refresh_token)).status, 200)
  })

  it('are not refreshed without a proof, by another key, or with a proof for a plain one', async () => {
    const house = await openHouse(open)
    const { email, password } = await house.member()
    const holder = keyHolder()
    const bound = await signInBound(house, holder, { email, password })
    assert.deepEqual(await errorOf(await refreshPlainly(house, bound.refresh_token)), [
      400,
      'invalid_dpop_proof',
    ])
    assert.deepEqual(await errorOf(await refresh(house, keyHolder(), bound.refresh_token)), [
      400,
      'invalid_grant',
    ])
    const plain = await house.tokens(email)
    assert.deepEqual(await errorOf(await refresh(house, holder, plain.refresh_token)), [400, 'invalid_grant'])
    // Nobody lost anything by it.
    assert.equal((await refresh(house, holder, bound.refresh_token)).status, 200)
    assert.equal((await refreshPlainly(house, plain.refresh_token)).status, 200)
    const events = await house.db
      .selectFrom('event')
      .select('session_id')
      .where('kind', '=', 'refresh_unproven')
      .execute()
    assert.deepEqual(events, [{ session_id: bound.session.id }, { session_id: bound.session.id }])
  })

  it('are handed out and refreshed only for proofs with a nonce of the last minutes', async () => {
    const house = await openHouse(open)
    const { email, password } = await house.member()
    const holder = keyHolder()
    const url = `${house.issuer}/auth/sign-in`
    const signIn = (nonce?: string) => {
      const dpop = holder.proof({
        method: 'POST',
        url,
        now: house.machine.clock.now(),
        ...(nonce ? { nonce } : {}),
      })
      return house.program().post('/auth/sign-in', { email, password, carrier: 'token' }, { dpop })
    }
    const first = await signIn()
    assert.match(first.headers.get('www-authenticate') ?? '', /^Bearer .*DPoP /)
    assert.deepEqual(await errorOf(first), [401, 'proof_nonce_needed'])
    const nonce = first.headers.get('dpop-nonce') ?? ''
    assert.equal((await signIn(nonce)).status, 200)
    assert.deepEqual(await errorOf(await signIn('made-up')), [401, 'proof_nonce_needed'])
    house.machine.clock.advance(120)
    await house.house.chores.tick()
    assert.equal((await signIn(nonce)).status, 200)
    house.machine.clock.advance(120)
    await house.house.chores.tick()
    const late = await signIn(nonce)
    assert.notEqual(late.headers.get('dpop-nonce'), nonce)
    assert.deepEqual(await errorOf(late), [401, 'proof_nonce_needed'])
  })

  it('stay bound to the key through a new proof and a change of password, which kill the refresh token before', async () => {
    const house = await openHouse(open)
    const { email, password } = await house.member()
    const holder = keyHolder()
    let held = await signInBound(house, holder, { email, password })
    const acts = [
      { path: '/auth/reauthenticate', json: { password: goodPassword } },
      { path: '/auth/password/change', json: { current: goodPassword, new: otherPassword } },
    ]
    for (const act of acts) {
      const answer = await send(house, holder, { method: 'POST', ...act, token: held.access_token })
      assert.equal(answer.status, 200)
      const next = (await answer.json()) as BoundAnswer
      assert.equal(next.token_type, 'DPoP')
      assert.equal(next.session.id, held.session.id)
      assert.deepEqual(await errorOf(await refresh(house, holder, held.refresh_token)), [
        400,
        'invalid_grant',
      ])
      assert.equal((await refresh(house, holder, next.refresh_token)).status, 200)
      assert.deepEqual(await errorOf(await refreshPlainly(house, next.refresh_token)), [
        400,
        'invalid_dpop_proof',
      ])
      held = next
    }
  })

  it('are over when the session is, refresh token and all, and are listed and ended as any other', async () => {
    const house = await openHouse(open)
    const { browser, email, password } = await house.member()
    const holder = keyHolder()
    const {
      access_token: token,
      refresh_token,
      session,
    } = await signInBound(house, holder, { email, password })
    const { sessions } = (await (await browser.get('/auth/sessions')).json()) as {
      sessions: { id: string }[]
    }
    assert.ok(sessions.some(({ id }) => id === session.id))
    assert.equal((await browser.send('DELETE', `/auth/sessions/${session.id}`)).status, 204)
    assert.deepEqual(
      await errorOf(await send(house, holder, { method: 'GET', path: '/auth/session', token })),
      [401, 'session_ended'],
    )
    assert.deepEqual(await errorOf(await refresh(house, holder, refresh_token)), [400, 'invalid_grant'])
  })

  it('are bound at the proof of a mailbox too, and a proof beside a request for a cookie changes nothing', async () => {
    const house = await openHouse(open)
    const holder = keyHolder()
    const program = house.program()
    const credential = { email: 'new@example.org', password: goodPassword }
    await program.post('/auth/sign-up', credential)
    const token = await house.linkFor(credential.email, 'verify')
    const json = { token, password: goodPassword, carrier: 'token' }
    const given = { method: 'POST', path: '/auth/verify-email', json }
    const verified = await sendProven(house, { agent: program, holder }, given)
    assert.equal(((await verified.json()) as BoundAnswer).token_type, 'DPoP')
    const cookie = await sendProven(
      house,
      { agent: house.browser(), holder },
      { method: 'POST', path: '/auth/sign-in', json: credential },
    )
    assert.equal(cookie.status, 200)
    assert.ok(!('access_token' in ((await cookie.json()) as object)))
  })
})
