import assert from 'node:assert/strict'
import { it } from 'node:test'
import { type Agent, type OpenTestDatabase, onEachEngine } from '../testing/index.ts'
import { addressOf, anotherCast, sentTo, stageIn } from '../testing/route-walk.ts'
import type { Route } from './route.ts'

type Given = { route: Route | null; about: string; isSignedIn: boolean; response: Response; body: string }

const evil = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }

/**
 * One answer of each kind that each route has: honest, to a stranger, to a forger, to a bad body, to a wrong method and
 * to a preflight. Every honest one is asked by people of its own, of whom nothing was used up before.
 */
async function everyAnswer(open: OpenTestDatabase, issuer: string): Promise<Given[]> {
  const given: Given[] = []
  async function note(
    who: Agent,
    asked: { route: Route | null; method: string; path: string; sent?: object },
  ) {
    const { route, method, path, sent = {} } = asked
    const isSignedIn = who.cookies.has('__Host-Http-session')
    const response = await who.send(method, path, sent)
    const about = `${method} ${path.replace(/token=.*/, 'token')} (${issuer}) is answered ${response.status}`
    given.push({ route, about, isSignedIn, response, body: await response.text() })
  }

  const stage = await stageIn(open, { issuer })
  const { home, browser } = stage
  for (const route of home.house.routes) {
    const { method } = route
    const path = addressOf(route, stage)
    await note(browser, { route, method: 'OPTIONS', path })
    await note(browser, { route, method: 'PUT', path })
    if (method === 'GET') {
      await note(browser, { route, method, path })
      await note(browser, { route, method: 'HEAD', path })
    } else {
      await note(browser, { route, method, path, sent: { headers: evil } })
      if (route.takesBody) await note(browser, { route, method, path, sent: { body: 'not what it takes' } })
    }
    await note(home.browser(), { route, method, path })
    await note(home.program(), { route, method, path, sent: { headers: { authorization: 'Bearer x' } } })
  }
  for (const path of ['/nowhere', '/auth/', '/%61uth/session', '//account']) {
    await note(browser, { route: null, method: 'GET', path: new URL(issuer + path).href })
    await note(browser, { route: null, method: 'POST', path: new URL(issuer + path).href })
  }
  for (const route of home.house.routes.filter(({ method }) => method !== 'GET')) {
    const { method, path } = route
    const fresh = await anotherCast(home, `${method}${path}`.replace(/\W+/g, '.'))
    await note(fresh.browser, { route, method, path: addressOf(route, fresh), sent: sentTo(route, fresh) })
  }
  return given
}

onEachEngine('every answer', (open) => {
  const asked = new Map<string, Promise<Given[]>>()
  function answersAt(issuer: string): Promise<Given[]> {
    const answers = asked.get(issuer) ?? everyAnswer(open, issuer)
    asked.set(issuer, answers)
    return answers
  }

  for (const issuer of ['http://localhost:3000', 'https://bank.example']) {
    it(`carries the headers that keep it from being framed, sniffed and leaked, at ${issuer}`, async () => {
      for (const { route, response, about } of await answersAt(issuer)) {
        const { headers } = response
        const policy = headers.get('content-security-policy') ?? ''
        assert.match(policy, /(?:^|; )default-src 'none'(?:;|$)/, about)
        assert.match(policy, /(?:^|; )frame-ancestors 'none'(?:;|$)/, about)
        assert.doesNotMatch(policy, /unsafe|\*|data:|https?:/, about)
        if (route?.kind === 'page' && response.status === 200)
          assert.match(policy, /(?:^|; )(?:form-action 'self'|sandbox)(?:;|$)/, about)
        assert.equal(headers.get('x-content-type-options'), 'nosniff', about)
        assert.equal(headers.get('referrer-policy'), 'no-referrer', about)
        assert.equal(headers.get('cross-origin-opener-policy'), 'same-origin', about)
        assert.ok(headers.has('cross-origin-resource-policy'), about)
        const years = Number(/^max-age=(\d+)/.exec(headers.get('strict-transport-security') ?? '')?.[1] ?? 0)
        if (issuer.startsWith('https:')) assert.ok(years >= 365 * 24 * 3600, about)
        else assert.equal(headers.has('strict-transport-security'), false, about)
      }
    })

    it(`A-35: is stored nowhere unless it is the same for everyone, at ${issuer}`, async () => {
      const answers = await answersAt(issuer)
      const kept = answers.filter(({ response }) => response.headers.get('cache-control') !== 'no-store')
      for (const { route, response, about, body } of kept) {
        assert.match(response.headers.get('cache-control') ?? '', /^public, max-age=\d+$/, about)
        assert.equal(response.status, 200, about)
        assert.equal(route?.kind, 'open', about)
        assert.equal(route?.caller, 'ignored', about)
        assert.deepEqual(response.headers.getSetCookie(), [], about)
        const same = kept.filter((one) => one.route === route && one.body !== '')
        assert.ok(body === '' || same.every((one) => one.body === body), `${about} for everyone alike`)
      }
      assert.deepEqual(
        [...new Set(kept.map(({ route }) => route?.path))],
        ['/assets/:name', '/.well-known/oauth-authorization-server', '/.well-known/jwks.json'],
      )
      const personal = answers.filter(({ body }) => body.includes('ada.first@example.org'))
      assert.ok(
        personal.some(({ isSignedIn }) => isSignedIn),
        'some answers are personal',
      )
    })
  }

  it('sets cookies of one shape only: this host, no script, TLS, Lax, small, each name once', async () => {
    const seen = new Set<string>()
    for (const { response, about } of await answersAt('http://localhost:3000')) {
      const cookies = response.headers.getSetCookie()
      const names = cookies.map((cookie) => cookie.split('=', 1)[0] ?? '')
      assert.equal(new Set(names).size, names.length, `${about}: RFC 6265bis 4.1.1`)
      for (const cookie of cookies) {
        const [pair = '', ...attributes] = cookie.split('; ')
        const [name = '', value = ''] = pair.split('=')
        assert.match(name, /^__Host-Http-[a-z-]+$/, about)
        assert.match(value, /^[A-Za-z0-9_-]*$/, about)
        const [age = '', ...others] = attributes
        assert.match(age, /^Max-Age=\d+$/, about)
        assert.deepEqual(others, ['Path=/', 'Secure', 'HttpOnly', 'SameSite=Lax'], about)
        assert.ok(Buffer.byteLength(cookie) < 4096, about)
        assert.equal(response.headers.get('cache-control'), 'no-store', about)
        assert.ok(response.status < 400, `${about}: a refusal touches no cookie`)
        seen.add(age === 'Max-Age=0' ? `${name} taken back` : name)
      }
    }
    assert.deepEqual([...seen].sort(), [
      '__Host-Http-device',
      '__Host-Http-session',
      '__Host-Http-session taken back',
      '__Host-Http-sign-up',
    ])
  })
})
