import assert from 'node:assert/strict'
import { it } from 'node:test'
import {
  type KeyHolder,
  keyHolder,
  type OpenTestDatabase,
  onEachEngine,
  openHouse,
  type ProofGiven,
  sendProven,
  signInBound,
  signJws,
  type TestHouse,
} from 'counterfoil/house'

const path = '/auth/session'

/** Somebody with a bound token, and a thief who has read the token and every proof, but not the key. */
async function stage(open: OpenTestDatabase) {
  const house = await openHouse(open)
  const member = await house.member()
  const holder = keyHolder()
  const { access_token: token, refresh_token } = await signInBound(house, holder, member)
  const url = house.issuer + path
  const prove = (changes: Partial<ProofGiven> = {}, by: KeyHolder = holder) =>
    by.proof({ method: 'GET', url, now: house.machine.clock.now(), token, ...changes })
  const show = async (
    dpop: string,
    more: { at?: TestHouse; scheme?: string; token?: string; path?: string } = {},
  ) => {
    const authorization = `${more.scheme ?? 'DPoP'} ${more.token ?? token}`
    const answer = await (more.at ?? house).program().get(more.path ?? path, { authorization, dpop })
    return answer.status === 200 ? 200 : [answer.status, ((await answer.json()) as { code: string }).code]
  }
  assert.equal(await show(prove()), 200)
  return { house, member, holder, token, refresh_token, prove, show }
}

const invalid = [401, 'proof_invalid']

onEachEngine('stolen tokens that are bound to a key', (open) => {
  it('A-55: a proof shown twice is refused by whoever took it, and by nobody after a minute; others have not seen it', async () => {
    const { house, prove, show } = await stage(open)
    const proof = prove()
    const copies = await Promise.all(Array.from({ length: 8 }, () => show(proof)))
    assert.deepEqual(copies.filter((answer) => answer === 200).length, 1)
    assert.deepEqual(await show(proof), invalid)
    const neighbour = await house.neighbour()
    // What docs/dpop.md says of several processes: one replay each, within the minute.
    assert.equal(await show(proof, { at: neighbour }), 200)
    assert.deepEqual(await show(proof, { at: neighbour }), invalid)
    const kept = prove()
    house.machine.clock.advance(61)
    await house.house.chores.tick()
    assert.deepEqual(await show(kept), invalid)
    assert.deepEqual(await show(proof), invalid)
  })

  it('A-56: a proof for another method or address is refused, whatever Host and the query say', async () => {
    const { house, prove, show } = await stage(open)
    const { issuer } = house
    for (const url of [
      `${issuer}/auth/sessions`,
      `${issuer}${path}/`,
      'https://evil.example/auth/session',
      path,
    ])
      assert.deepEqual(await show(prove({ url })), invalid, url)
    for (const method of ['POST', 'get', 'HEAD', ''])
      assert.deepEqual(await show(prove({ method })), invalid, method)
    assert.equal(await show(prove(), { path: `${path}?any=thing` }), 200)
  })

  it('A-57: a proof for another token is refused', async () => {
    const { house, member, holder, prove, show } = await stage(open)
    const { access_token: other } = await signInBound(house, holder, member)
    assert.deepEqual(await show(prove({ token: other })), invalid)
    assert.deepEqual(await show(prove({ claims: { ath: undefined } })), invalid)
  })

  it('A-58: a proof by another key is refused', async () => {
    const { prove, show } = await stage(open)
    for (const algorithm of ['ES256', 'Ed25519', 'RS256'] as const)
      assert.deepEqual(await show(prove({}, keyHolder(algorithm))), invalid)
  })

  it('A-59: two proofs are none', async () => {
    const { prove, show } = await stage(open)
    for (const both of [`${prove()}, ${prove()}`, `${prove()},x`])
      assert.deepEqual(await show(both), [400, 'credential_ambiguous'])
  })

  it('A-60: a bound token is no Bearer token and needs its proof, and a plain one is not bound', async () => {
    const { house, member, holder, token, prove, show } = await stage(open)
    const wrong = [401, 'credential_invalid']
    assert.deepEqual(await show(prove(), { scheme: 'Bearer' }), wrong)
    const bare = await house.program().get(path, { authorization: `DPoP ${token}` })
    assert.equal(bare.status, 401)
    assert.match(
      bare.headers.get('www-authenticate') ?? '',
      /^DPoP .*algs="ES256 Ed25519 RS256", error="invalid_dpop_proof"/,
    )
    const plain = (await house.tokens(member.email)).access_token
    const proof = holder.proof({
      method: 'GET',
      url: house.issuer + path,
      now: house.machine.clock.now(),
      token: plain,
    })
    assert.deepEqual(await show(proof, { token: plain }), wrong)
  })

  it('A-61: a proof with a private key, a shared secret, no signature or another algorithm is refused', async () => {
    const { house, holder, token, prove, show } = await stage(open)
    const privateJwk = holder.secret.export({ format: 'jwk' })
    for (const header of [
      { jwk: privateJwk },
      { jwk: { kty: 'oct', k: 'AAAA' }, alg: 'HS256' },
      { alg: 'none' },
      { alg: 'HS256' },
      { alg: 'RS256' },
      { typ: 'at+jwt' },
      { jwk: undefined },
    ])
      assert.deepEqual(await show(prove({ header })), invalid, JSON.stringify(header))
    const [head, payload] = prove().split('.')
    assert.deepEqual(await show(`${head}.${payload}.`), invalid)
    const claims = { jti: 'x', htm: 'GET', htu: house.issuer + path, iat: house.machine.clock.now() }
    const forged = signJws(keyHolder().secret, { typ: 'dpop+jwt', alg: 'ES256', jwk: holder.jwk }, claims)
    assert.deepEqual(await show(forged), invalid)
    assert.deepEqual(await show(token), invalid)
  })

  it('A-62: a proof from another hour is refused, one from a clock ten seconds off is taken', async () => {
    const { house, prove, show } = await stage(open)
    const now = house.machine.clock.now()
    for (const off of [-3600, -61, 31, 3600])
      assert.deepEqual(await show(prove({ now: now + off })), invalid, `${off}`)
    for (const off of [-60, -10, 10, 30]) assert.equal(await show(prove({ now: now + off })), 200, `${off}`)
  })

  it('A-63: at the token endpoint a nonce that is missing, old, made up or of another deployment is refused', async () => {
    const { house, holder, refresh_token } = await stage(open)
    const url = `${house.issuer}/oauth/token`
    const refresh = async (nonce: string | undefined) => {
      const given = { method: 'POST', url, now: house.machine.clock.now() }
      const dpop = holder.proof({ ...given, ...(nonce === undefined ? {} : { nonce }) })
      const form = { grant_type: 'refresh_token', refresh_token }
      const answer = await house.program().send('POST', '/oauth/token', { form, headers: { dpop } })
      const { error } = (await answer.json()) as { error?: string }
      return { status: answer.status, error, nonce: answer.headers.get('dpop-nonce') ?? '' }
    }
    const first = await refresh(undefined)
    assert.deepEqual([first.status, first.error], [400, 'use_dpop_nonce'])
    assert.equal((await refresh(first.nonce)).status, 200)
    const other = await openHouse(open, { rootSecret: new Uint8Array(32).fill(9) })
    const foreign = other.house.carriers.proofs.nonce()
    for (const nonce of [foreign, `${first.nonce}x`, 'x'])
      assert.equal((await refresh(nonce)).error, 'use_dpop_nonce')
    house.machine.clock.advance(240)
    await house.house.chores.tick()
    assert.equal((await refresh(first.nonce)).error, 'use_dpop_nonce')
  })

  it('A-64: proofs that injected script made in advance refresh nothing once the nonce is old', async () => {
    const { house, holder, refresh_token } = await stage(open)
    const url = `${house.issuer}/oauth/token`
    const start = house.machine.clock.now()
    const nonce = house.house.carriers.proofs.nonce()
    // One for every minute of the coming day, while the page is open.
    const stock = Array.from({ length: 1440 }, (_, minute) => ({ at: start + 60 * minute, nonce }))
    for (const { at, nonce } of stock.filter((_, index) => index % 96 === 4)) {
      house.machine.clock.advance(at - house.machine.clock.now())
      await house.house.chores.tick()
      const dpop = holder.proof({ method: 'POST', url, now: at, nonce })
      const form = { grant_type: 'refresh_token', refresh_token }
      const answer = await house.program().send('POST', '/oauth/token', { form, headers: { dpop } })
      assert.equal(((await answer.json()) as { error: string }).error, 'use_dpop_nonce')
    }
    // The owner, who is there, goes on.
    const own = { grant_type: 'refresh_token', refresh_token }
    const given = { method: 'POST', path: '/oauth/token', form: own }
    assert.equal((await sendProven(house, { agent: house.program(), holder }, given)).status, 200)
  })

  it('A-65: a stranger without a token fills no memory with proofs, and takes nobody’s place', async () => {
    const { house, prove, show } = await stage(open)
    const url = `${house.issuer}/auth/sign-in`
    const nonce = house.house.carriers.proofs.nonce()
    const stranger = keyHolder()
    const dpop = stranger.proof({ method: 'POST', url, now: house.machine.clock.now(), nonce })
    // A proof that was never taken is still good: the memory holds those alone that came with something genuine.
    const signIn = (password: string) =>
      house
        .program()
        .post('/auth/sign-in', { email: 'ada@example.org', password, carrier: 'token' }, { dpop })
    for (let round = 0; round < 3; round++)
      assert.equal((await signIn('not the password at all')).status, 401)
    assert.equal((await signIn('a long walk by the quiet river')).status, 200)
    assert.equal((await signIn('a long walk by the quiet river')).status, 401)
    assert.equal(await show(prove()), 200)
  })
})
