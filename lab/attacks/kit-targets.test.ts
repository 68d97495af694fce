import assert from 'node:assert/strict'
import { it, type TestContext, test } from 'node:test'
import { Refusal } from 'counterfoil'
import { attackTarget, listen, onEachEngine, openHouse, type Report, type TestHouse } from 'counterfoil/house'
import { startTextbookApp } from './textbook-app.ts'

const verdicts = ({ checks }: Report, wanted: string) =>
  checks.filter(({ verdict }) => verdict === wanted).map(({ id }) => id)

/** What an application adds to the server: an act, what shows it, and an open line, all by whoever is signed in. */
async function bankBehind(t: TestContext, home: TestHouse): Promise<string> {
  let balance = 1_000
  const listener = await listen({
    host: '127.0.0.1',
    port: 0,
    async fetch(request, remote) {
      const { pathname } = new URL(request.url)
      if (!['/payments', '/balance'].includes(pathname)) return home.house.fetch(request, remote)
      const caller = await home.house.identify(request).catch((fault: unknown) => fault as Refusal)
      if (caller instanceof Refusal) return new Response(null, { status: caller.status })
      if (caller === null) return new Response(null, { status: 401 })
      if (pathname === '/payments' && request.method === 'POST') {
        balance -= Number(((await request.json().catch(() => ({}))) as { amount?: number }).amount ?? 0)
      }
      return Response.json({ balance }, { headers: { 'cache-control': 'no-store' } })
    },
  })
  t.after(() => listener.close())
  return `http://localhost:${listener.port}`
}

onEachEngine('counterfoil attack on our own server', (open) => {
  it('finds nothing, and what it skips is what the server does not offer', async (t) => {
    const home = await openHouse(open, { policy: {} })
    const { email, password } = await home.member()
    const target = await bankBehind(t, home)
    const description = {
      origin: home.issuer,
      account: { name: email, password },
      cookie: { sign_in: 'POST /auth/sign-in {"email":"{name}","password":"{password}"}' },
      token: {
        sign_in: 'POST /auth/sign-in {"email":"{name}","password":"{password}","carrier":"token"}',
        refresh: 'refresh_token',
        refresh_by: 'POST /oauth/token grant_type=refresh_token&refresh_token={refresh_token}',
        proof: true,
      },
      who: '/auth/session',
      act: 'POST /payments {"to":"bob","amount":1}',
      effect: { request: '/balance', member: 'balance' },
      sign_out: 'POST /auth/sign-out',
      redirect: 'POST /sign-in email={name}&password={password}&next={url}',
    }
    const report = await attackTarget(target, description, { clock: home.machine.clock })
    assert.deepEqual(verdicts(report, 'accepted'), [])
    assert.deepEqual(verdicts(report, 'skipped'), [
      'socket-cross-origin',
      'token-expired',
      'token-other-audience',
      'forged-plain-http',
    ])
    assert.equal(report.found, 0)
  })
})

test('counterfoil attack finds every hole of an application from the textbook, and no other', async (t) => {
  const app = await startTextbookApp()
  t.after(() => app.close())
  const report = await attackTarget(app.origin)
  assert.deepEqual(verdicts(report, 'accepted'), [
    ...['cookie-secure', 'cookie-samesite', 'cookie-prefix', 'cookie-doubled', 'authorization-doubled'],
    ...[
      'authorization-beside-cookie',
      'open-redirect',
      'cache-personal',
      'cache-credential',
      'cors-reflection',
    ],
    ...['error-leak', 'token-alg-none', 'token-alg-confusion', 'token-own-key-embedded', 'token-long-lived'],
    ...['forged-cross-site', 'forged-foreign-origin', 'forged-fetch-site-alone', 'forged-same-site'],
    ...['forged-other-port', 'forged-null-origin', 'forged-lookalike-origin', 'forged-unknown-fetch-site'],
    ...['forged-contradiction', 'forged-foreign-referer', 'forged-no-evidence', 'forged-preflighted'],
    ...[
      'forged-get',
      'forged-sign-out',
      'replay-cookie',
      'replay-token',
      'replay-refresh',
      'refresh-not-rotated',
    ],
    ...['token-kind-refresh', 'token-kind-access', 'login-csrf', 'login-csrf-null-origin', 'fixation-kept'],
    ...['session-in-address', 'user-enumeration'],
  ])
  assert.deepEqual(verdicts(report, 'skipped'), [
    ...['cookie-disguised', 'socket-cross-origin', 'token-expired', 'token-other-audience'],
    // It binds no token to a key.
    ...['bound-as-bearer', 'bound-without-proof', 'proof-replayed', 'proof-other-method'],
    ...['proof-other-address', 'proof-other-key', 'proof-other-token', 'proof-untimely'],
    ...['proof-unsigned', 'proof-private-key', 'refresh-without-key'],
    'forged-plain-http',
    // What a plain GET does already.
    'forged-method-override',
    ...['refresh-reuse', 'refresh-theft-unnoticed', 'refresh-race'],
  ])
  assert.equal(report.found, verdicts(report, 'accepted').length)
})
