import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keyHolder } from 'counterfoil/house'
import { api, openScene, outcome, until } from './scene.ts'

// A browser signed in by cookie, the server, and a service at another address: three that share no memory.
const scene = await openScene()
const issuer = scene.relay.origin

const holder = keyHolder()
const proofFor = (method: string, url: string, more: { token?: string; nonce?: string } = {}) =>
  holder.proof({ method, url, now: Math.floor(Date.now() / 1000), ...more })

/** As the browser client does: the cookie, the proof, and the proof once more with the nonce that was asked for. */
async function tokenFor(cookie: string, audience: string): Promise<Response> {
  const url = `${issuer}/auth/token`
  const ask = (nonce?: string) =>
    fetch(url, {
      method: 'POST',
      headers: {
        cookie: `__Host-Http-session=${cookie}`,
        origin: issuer,
        'content-type': 'application/json',
        dpop: proofFor('POST', url, nonce === undefined ? {} : { nonce }),
      },
      body: JSON.stringify({ audience }),
    })
  const first = await ask()
  return first.headers.has('dpop-nonce') ? ask(first.headers.get('dpop-nonce') ?? '') : first
}

test('a token taken beside a cookie is good at its audience with its proof, nowhere else, and ends with the session', async () => {
  const cookie = await scene.cookie()
  const answer = await tokenFor(cookie, api)
  assert.equal(answer.status, 200, await answer.clone().text())
  const { access_token: token, token_type } = (await answer.json()) as Record<string, string>
  assert.ok(token !== undefined && token_type === 'DPoP')

  const there = await scene.verifier({ audience: api })
  const elsewhere = await scene.verifier()
  const requestOf = (dpop: string) => ({
    method: 'GET',
    url: '/invoices',
    headers: new Headers({ authorization: `DPoP ${token}`, dpop }),
  })
  const fresh = () => requestOf(proofFor('GET', `${api}/invoices`, { token }))

  const caller = await there.identify(fresh())
  const own = await elsewhere.verifyCookie(cookie)
  assert.ok(caller?.session && own?.session)
  assert.deepEqual(
    [caller.carrier, caller.session.id, caller.account.id],
    ['dpop', own.session.id, own.account.id],
  )
  assert.equal(await outcome(() => elsewhere.identify(fresh())), 'credential_invalid')
  assert.equal(await outcome(() => there.verify(token)), 'credential_invalid')
  const used = fresh()
  assert.equal(await outcome(() => there.identify(used)), 'accepted')
  assert.equal(await outcome(() => there.identify(used)), 'proof_invalid')
  const thief = keyHolder().proof({
    ...{ method: 'GET', url: `${api}/invoices`, now: Math.floor(Date.now() / 1000), token },
  })
  assert.equal(await outcome(() => there.identify(requestOf(thief))), 'proof_invalid')

  const signedOut = await fetch(`${issuer}/auth/sign-out`, {
    method: 'POST',
    headers: { cookie: `__Host-Http-session=${cookie}`, origin: issuer },
  })
  assert.equal(signedOut.status, 204)
  await until('session_ended', () => there.identify(fresh()), 30_000)
})

test('an audience that the policy does not list is no audience', async () => {
  const answer = await tokenFor(await scene.cookie(), 'https://other.example')
  assert.equal(answer.status, 400)
  assert.equal(((await answer.json()) as { code: string }).code, 'target_invalid')
})
