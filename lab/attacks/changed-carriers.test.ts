import assert from 'node:assert/strict'
import { it } from 'node:test'
import { encodeBase64url, sessionCookieName as name } from '@counterfoil/verifier'
import { goodPassword, keyHolder, onEachEngine, openHouse } from 'counterfoil/house'
import { everyAttackIsReal } from './at-textbook.ts'
import { codeOf, contentsOf } from './evidence.ts'
import { cookieBecomesToken, deviceIsBound } from './sessions-at-textbook.ts'
import { expectForged, unchanged } from './victim.ts'

const own = 'http://localhost:3000'
const evidence = { 'sec-fetch-site': 'same-origin', origin: own }
const textPart = (part: object) => encodeBase64url(new TextEncoder().encode(JSON.stringify(part)))

/** What a browser would send to bind the session to its key; here to the key of whoever wrote the script. */
async function forgedRegistration(): Promise<string> {
  const use = { name: 'ECDSA', namedCurve: 'P-256' }
  const { publicKey, privateKey } = await crypto.subtle.generateKey(use, true, ['sign', 'verify'])
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', publicKey)
  const header = textPart({ typ: 'dbsc+jwt', alg: 'ES256', jwk: { kty, crv, x, y } })
  const input = `${header}.${textPart({ jti: 'a challenge that nobody gave' })}`
  const hashed = { name: 'ECDSA', hash: 'SHA-256' }
  const signature = await crypto.subtle.sign(hashed, privateKey, new TextEncoder().encode(input))
  return `${input}.${encodeBase64url(new Uint8Array(signature))}`
}

const bindingHeaders = /^(?:sec-)?(?:secure-session|sec-session)/

onEachEngine('a session that is made to travel, or to stay', (open) => {
  it('A-22: no answer offers to bind a session to a device, and a registration by script is a request like any other', async () => {
    const registration = await forgedRegistration()
    await deviceIsBound('A-22', registration)
    const home = await openHouse(open, { policy: { origins: ['https://app.example.com'] } })
    const { browser, email, password } = await home.member()
    const value = browser.cookies.get(name) ?? ''
    const sent = { cookie: `${name}=${value}`, 'secure-session-response': registration }
    const claims = {
      'sec-secure-session-id': 'victim',
      'secure-session-skipped': 'unreachable;session_identifier="victim"',
    }
    const guessed = ['/.well-known/device-bound-sessions', '/dbsc/start', '/auth/device', '/session/bind']
    await unchanged(home, async () => {
      for (const { method, path } of home.house.routes) {
        if (method !== 'POST' || !/^\/(?:auth|account|sign)/.test(path)) continue
        const forged = await home.program().send('POST', path, { headers: { ...sent, ...claims } })
        await expectForged(forged, path)
        for (const [header] of forged.headers) assert.doesNotMatch(header, bindingHeaders, path)
      }
      for (const path of guessed) {
        const asked = await home.program().send('POST', path, { headers: { ...sent, ...evidence } })
        assert.equal(asked.status, 404, path)
      }
      const elsewhere = { origin: 'https://app.example.com', 'access-control-request-method': 'POST' }
      const headers = { ...elsewhere, 'access-control-request-headers': 'secure-session-response' }
      const preflight = await home.program().send('OPTIONS', '/auth/sign-out', { headers })
      assert.doesNotMatch(preflight.headers.get('access-control-allow-headers') ?? '', /secure-session|\*/)
    })
    // Nor does an honest answer offer it, and no such header stands in for the cookie.
    for (const answer of [
      await browser.post('/auth/sign-in', { email, password }, claims),
      await browser.get('/auth/session', claims),
    ]) {
      assert.equal(answer.status, 200)
      for (const [header] of answer.headers) assert.doesNotMatch(header, bindingHeaders)
    }
    const old = { ...sent, ...claims, ...evidence }
    assert.equal((await home.program().get('/auth/session', old)).status, 401, 'the sign-in replaced it')
  })

  it('A-33: script in the page makes of the cookie no token that is of use elsewhere', async () => {
    await cookieBecomesToken('A-33')
    const audience = 'https://api.example.com'
    const [closed, opened] = [
      await openHouse(open),
      await openHouse(open, { policy: { audiences: [audience] } }),
    ]
    for (const home of [closed, opened]) {
      const { browser } = await home.member()
      await home.house.chores.touches()
      const before = await contentsOf(home.db, ['event', 'limit_state'])
      // Without the password there is no way to the other carrier, and without a proof none to a token beside it.
      for (const given of [{}, { password: '' }, { password: 'another one altogether' }]) {
        const answer = await browser.post('/auth/carrier', { carrier: 'token', ...given })
        assert.ok([400, 403].includes(answer.status), `${answer.status}`)
        assert.doesNotMatch(await answer.text(), /access_token|cfr_/)
      }
      for (const asked of [{ audience }, { audience: home.issuer }, {}]) {
        const answer = await browser.post('/auth/token', asked)
        assert.ok([400, 401].includes(answer.status), `${answer.status}`)
        assert.doesNotMatch(await answer.text(), /access_token/)
      }
      assert.equal(await contentsOf(home.db, ['event', 'limit_state']), before)
    }

    // Where its owner allowed that audience, script with a key of its own gets a token that no other machine can show.
    const { browser } = await opened.member('grace@example.org')
    const holder = keyHolder()
    const url = `${own}/auth/token`
    const proof = (nonce?: string) =>
      holder.proof({
        method: 'POST',
        url,
        now: opened.machine.clock.now(),
        ...(nonce === undefined ? {} : { nonce }),
      })
    const first = await browser.post('/auth/token', { audience }, { dpop: proof() })
    assert.equal(await codeOf(first), 'proof_nonce_needed')
    const nonce = first.headers.get('dpop-nonce') ?? ''
    const { access_token: token, token_type } = await (
      await browser.post('/auth/token', { audience }, { dpop: proof(nonce) })
    ).json()
    assert.equal(token_type, 'DPoP')
    for (const authorization of [`Bearer ${token}`, `DPoP ${token}`])
      assert.equal((await opened.program().get('/auth/session', { authorization })).status, 401)
    const moved = await browser.post('/auth/carrier', { carrier: 'token', password: goodPassword })
    assert.equal(moved.status, 200, 'the person themselves moves it')
  })
})

everyAttackIsReal('changed-carriers.test.ts')
