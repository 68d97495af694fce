import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { goodPassword, onSqlite } from 'counterfoil/house'
import { type ClientScene, openClientScene } from '../client-scene.ts'

const person = { email: 'ada@example.org', password: goodPassword }

/** What the script takes home: proofs for a week of requests that it has not sent, and what they would go with. */
type Stock = { proofs: { at: number; proof: string }[]; refreshToken: string; accessToken: string }

/** In the page: uses the key as the page does. Nobody can keep script from that while it is there. */
async function stockUp(given: { now: number; ats: number[]; origin: string }): Promise<Stock> {
  const { promise: whole, resolve } = Promise.withResolvers<{ keys: CryptoKeyPair; refreshToken: string }>()
  const opening = indexedDB.open('counterfoil')
  opening.onsuccess = () => {
    const reading = opening.result.transaction('held').objectStore('held').getAll()
    reading.onsuccess = () => resolve(reading.result[0])
  }
  const { keys, refreshToken } = await whole
  let accessToken = ''
  let nonce: string | null = null
  const { fetch } = window
  window.fetch = async (input, init) => {
    const request = new Request(input, init)
    accessToken = request.headers.get('authorization')?.slice(5) ?? accessToken
    const response = await fetch(request)
    nonce = response.headers.get('dpop-nonce') ?? nonce
    return response
  }
  await window.client.fetch('/auth/sessions')
  window.fetch = fetch

  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', keys.publicKey)
  const encode = (bytes: Uint8Array) =>
    btoa(String.fromCharCode(...bytes))
      .replaceAll('+', '-')
      .replaceAll('/', '_')
      .replaceAll('=', '')
  const text = (content: object) => encode(new TextEncoder().encode(JSON.stringify(content)))
  const proofs: Stock['proofs'] = []
  for (const at of given.ats) {
    for (const withNonce of [nonce, null, 'a guess']) {
      const claims = { jti: crypto.randomUUID(), htm: 'POST', htu: `${given.origin}/oauth/token`, iat: at }
      const signed = `${text({ typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y } })}.${text({
        ...claims,
        ...(withNonce === null ? {} : { nonce: withNonce }),
      })}`
      const algorithm = { name: 'ECDSA', hash: 'SHA-256' }
      const signature = await crypto.subtle.sign(algorithm, keys.privateKey, new TextEncoder().encode(signed))
      proofs.push({ at, proof: `${signed}.${encode(new Uint8Array(signature))}` })
    }
  }
  return { proofs, refreshToken, accessToken }
}

onSqlite('A-64 proofs made in advance', (open) => {
  let scene: ClientScene
  before(async () => {
    scene = await openClientScene(open)
    await scene.home.member(person.email)
  })
  after(() => scene?.close())

  async function refresh(refreshToken: string, proof: string) {
    const answer = await scene.home.program().send('POST', '/oauth/token', {
      form: { grant_type: 'refresh_token', refresh_token: refreshToken },
      headers: { dpop: proof },
    })
    const { error } = (await answer.json()) as { error?: string }
    return error ?? answer.status
  }

  async function stolen(ats: (now: number) => number[]) {
    const { clock } = scene.home.machine
    const context = await scene.window()
    const page = await scene.open(context, { carrier: 'token' })
    await page.evaluate((given) => window.client.signIn(given), person)
    const given = { now: clock.now(), ats: ats(clock.now()), origin: scene.origin }
    const stock = await page.evaluate(stockUp, given)
    return { context, page, stock, clock }
  }

  test('A-64 a script that signs proofs for a week buys nothing at the token endpoint once the page is gone', async () => {
    const hours = Array.from({ length: 24 * 7 }, (_, hour) => hour + 1)
    const { context, page, stock, clock } = await stolen((now) => hours.map((hour) => now + hour * 3600))
    assert.equal(stock.proofs.length, 3 * hours.length)
    await page.close()
    for (const { at, proof } of stock.proofs) {
      // Each at its very second: the time is right, the key is right, the token is right.
      clock.advance(at - clock.now())
      assert.equal(await refresh(stock.refreshToken, proof), 'use_dpop_nonce')
    }
    const back = await scene.open(context, { carrier: 'token' })
    assert.equal((await back.evaluate(() => window.client.session()))?.account.email, person.email)
    await context.close()
  })

  test('A-64 how far it gets: a proof with the nonce of this minute is good for this minute, wherever it is sent from', async () => {
    const { context, stock } = await stolen((now) => [now])
    const outcomes: unknown[] = []
    for (const { proof } of stock.proofs) outcomes.push(await refresh(stock.refreshToken, proof))
    assert.deepEqual(outcomes, [200, 'use_dpop_nonce', 'use_dpop_nonce'])
    await context.close()
  })

  test('A-64 a nonce that was taken along is worn out four minutes later, and what was got with it is still bound', async () => {
    const { context, stock, clock } = await stolen((now) =>
      [30, 60, 120, 180, 240, 300].map((after) => now + after),
    )
    const fromHere = clock.now()
    const taken = stock.proofs.filter((_, index) => index % 3 === 0)
    for (const { at, proof } of taken) {
      clock.advance(at - clock.now())
      const outcome = await refresh(stock.refreshToken, proof)
      if (at - fromHere >= 240) assert.equal(outcome, 'use_dpop_nonce', `${at - fromHere} s later`)
    }
    const headers = { authorization: `Bearer ${stock.accessToken}` }
    assert.equal((await scene.home.program().get('/auth/session', headers)).status, 401)
    await context.close()
  })
})
