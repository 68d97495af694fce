import assert from 'node:assert/strict'
import { it } from 'node:test'
import { goodPassword, onSqlite, openHouse, type TestHouse } from 'counterfoil/house'
import { type Site, sites } from './adapter-sites.ts'
import { forgeWith } from './forge.ts'
import { exchange, request } from './raw-http.ts'

const own = 'http://localhost:3000'
const evil = 'https://evil.example'
type Headers = Readonly<Record<string, string>>

/** As Chromium sends them. */
const forgeries: [what: string, headers: Headers][] = [
  ['a form of another site', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', origin: evil }],
  ['a form of a sibling', { 'sec-fetch-site': 'same-site', origin: 'http://sibling.localhost:3000' }],
  ['a form on another port', { 'sec-fetch-site': 'same-site', origin: 'http://localhost:3001' }],
  ['a sandboxed frame', { 'sec-fetch-site': 'cross-site', origin: 'null' }],
  ['a sandboxed frame of a browser that says no more', { origin: 'null' }],
  ['another origin, of a browser that says no more', { origin: evil }],
  ['another site without an origin', { 'sec-fetch-site': 'cross-site' }],
  ['an origin that something on the way made look right', { 'sec-fetch-site': 'same-origin', origin: evil }],
  ['a word that nobody knows', { 'sec-fetch-site': 'same-planet' }],
  ['nothing at all', {}],
]
const honest = { 'sec-fetch-site': 'same-origin', origin: own }

async function send(site: Site, line: string, headers: Headers = {}, body = '') {
  const length: Headers = line.startsWith('GET') ? {} : { 'content-length': String(body.length) }
  const { status, answer } = await exchange(site.port, [request(line, { ...length, ...headers }, body)])
  const [head = '', ...rest] = answer.split('\r\n\r\n')
  return { status, head: head.toLowerCase(), body: rest.join('\r\n\r\n') }
}

/** Somebody who is signed in by both carriers, and the application that they use. */
async function inhabited(home: TestHouse, open: (typeof sites)[number][1]) {
  const { browser, email, accountId } = await home.member()
  const site = await open(home.house)
  const cookie = [...browser.cookies].map((pair) => pair.join('=')).join('; ')
  const { access_token: token } = await home.tokens(email)
  const forge = await forgeWith(home, token)
  const bearer = (changes: Parameters<typeof forge.sign>[0]['claims'] = {}) => ({
    authorization: `Bearer ${forge.sign({ claims: changes })}`,
  })
  return { site, browser, email, accountId, cookie, bearer }
}

onSqlite('the routes of an application', (database) => {
  for (const [framework, open] of sites) {
    it(`${framework}: a payment that forgot to require a caller cannot be forged, and can be made`, async () => {
      const { site, cookie } = await inhabited(await openHouse(database), open)
      for (const [what, headers] of forgeries) {
        for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
          const answer = await send(site, `${method} /payments`, { ...headers, cookie })
          assert.equal(answer.status, 403, `${method}: ${what}`)
          assert.match(answer.body, /"code":"forged_request"/, what)
          assert.match(answer.head, /content-type: application\/problem\+json/, what)
          assert.doesNotMatch(answer.head, /set-cookie/, what)
        }
        const doubled = await send(site, 'POST /payments', { ...headers, cookie: `${cookie}; ${cookie}` })
        assert.equal(doubled.status, 403, `two cookies: ${what}`)
      }
      assert.deepEqual(site.payments, [])
      assert.equal((await send(site, 'POST /payments', { ...honest, cookie })).status, 200)
      assert.equal((await send(site, 'POST /payments', { origin: own, cookie })).status, 200)
      assert.equal(site.payments.length, 2)
    })

    it(`${framework}: a WebSocket of another site is refused at its handshake`, async () => {
      const { site, cookie, bearer, accountId } = await inhabited(await openHouse(database), open)
      const handshake = {
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
      }
      const foreign = {
        ...handshake,
        connection: 'Upgrade',
        cookie,
        origin: evil,
        'sec-fetch-site': 'cross-site',
      }
      // Where nobody listens to upgrades it is a request like any other.
      const answer = await send(site, 'GET /who', { ...foreign, connection: 'close' })
      assert.equal(answer.status, 403)
      const silent = await send(site, 'GET /who', { ...handshake, cookie })
      assert.equal(silent.status, 403)
      // And where somebody does, no layer of the framework sees it.
      const asking = { ...handshake, connection: 'Upgrade' }
      const forged = [foreign, { ...asking, cookie }, { ...asking, cookie, origin: 'null' }]
      for (const headers of [...forged, { ...asking, cookie, origin: own, 'sec-fetch-site': 'same-site' }]) {
        const refused = await send(site, 'GET /live', headers)
        assert.equal(refused.status, 403, JSON.stringify(headers))
        assert.match(refused.body, /"code":"forged_request"/)
        assert.match(refused.head, /connection: close/)
      }
      const caller = async (headers: Headers) => {
        const { status, head } = await send(site, 'GET /live', { ...asking, ...headers })
        return [status, /caller: (\S+)/.exec(head)?.[1]]
      }
      assert.deepEqual(await caller({ cookie, ...honest }), [101, accountId.toLowerCase()])
      assert.deepEqual(await caller({ cookie, origin: own }), [101, accountId.toLowerCase()])
      assert.deepEqual(await caller(bearer()), [101, accountId.toLowerCase()])
      assert.deepEqual(await caller({}), [101, 'null'])
      assert.deepEqual(await caller({ cookie, ...honest, authorization: 'Bearer nonsense' }), [
        401,
        undefined,
      ])
    })

    it(`${framework}: what a method override makes of a GET after the guard is guarded by required`, async () => {
      const { site, cookie, bearer } = await inhabited(await openHouse(database), open)
      for (const [what, headers] of forgeries) {
        const answer = await send(site, 'GET /overridden', { ...headers, cookie })
        assert.equal(answer.status, 403, what)
        assert.match(answer.body, /"code":"forged_request"/, what)
      }
      assert.equal((await send(site, 'GET /overridden', { ...honest, cookie })).status, 200)
      assert.equal((await send(site, 'GET /overridden', bearer())).status, 200)
      assert.equal((await send(site, 'GET /overridden')).status, 401)
    })

    it(`${framework}: a route knows its caller by either carrier, and nobody for who they are`, async () => {
      const { site, cookie, bearer, accountId } = await inhabited(await openHouse(database), open)
      for (const headers of [{ cookie }, bearer(), { ...bearer(), cookie: 'other=1' }]) {
        assert.equal((await send(site, 'GET /who', headers)).body, `"${accountId}"`)
        assert.equal((await send(site, 'GET /me', headers)).body, `"${accountId}"`)
      }
      const nobody = { cookie: '__Host-Http-session=unknown' }
      for (const headers of [{}, nobody]) {
        assert.equal((await send(site, 'GET /who', headers)).body, 'null')
        const answer = await send(site, 'GET /me', headers)
        assert.equal(answer.status, 401)
        assert.match(answer.body, /"code":"credential_missing"/)
        assert.match(answer.head, /www-authenticate: bearer realm="counterfoil"/)
        assert.doesNotMatch(answer.head, /error=/)
      }
    })

    it(`${framework}: a bad token is refused beside a good cookie, and two tokens are one too many`, async () => {
      const { site, cookie, bearer } = await inhabited(await openHouse(database), open)
      const bad = await send(site, 'GET /who', { cookie, authorization: 'Bearer nonsense' })
      assert.equal(bad.status, 401)
      assert.match(bad.head, /error="invalid_token"/)
      const { authorization } = bearer()
      const twice = request('GET /who', { authorization, Authorization: authorization })
      assert.equal((await exchange(site.port, [twice])).status, 400)
    })

    it(`${framework}: an ended session is nobody at once, and a refused token`, async () => {
      const { site, browser, cookie, bearer } = await inhabited(await openHouse(database), open)
      const headers = bearer()
      assert.equal((await send(site, 'GET /me', { cookie })).status, 200)
      assert.equal((await send(site, 'GET /me', headers)).status, 200)
      assert.equal((await browser.post('/auth/sessions/end-others')).status, 204)
      assert.match((await send(site, 'GET /me', headers)).body, /"session_ended"/)
      assert.equal((await browser.post('/auth/sign-out')).status, 204)
      assert.match((await send(site, 'GET /me', { cookie })).body, /"credential_missing"/)
    })

    it(`${framework}: a proof that has grown old is asked for again, and a fresh one lets in`, async () => {
      const home = await openHouse(database)
      const { site, browser, cookie, bearer } = await inhabited(home, open)
      const post = (headers: Headers) => send(site, 'POST /fresh', { ...honest, ...headers })
      assert.equal((await post({ cookie })).status, 200)
      assert.equal((await post(bearer())).status, 200)
      home.machine.clock.advance(301)
      await home.house.chores.tick()
      const old = await post({ cookie })
      assert.equal(old.status, 401)
      assert.match(old.body, /"code":"reauthentication_required"/)
      assert.match(old.head, /error="insufficient_user_authentication".*max_age="300"/)
      assert.equal((await browser.post('/auth/reauthenticate', { password: goodPassword })).status, 200)
      const renewed = [...browser.cookies].map((pair) => pair.join('=')).join('; ')
      assert.equal((await post({ cookie: renewed })).status, 200)
    })

    it(`${framework}: a scope and a presence are required of whoever acts for somebody`, async () => {
      const { site, cookie, bearer } = await inhabited(await openHouse(database), open)
      const post = async (path: string, headers: Headers) => {
        const { status, body, head } = await send(site, `POST ${path}`, { ...honest, ...headers })
        return { status, code: /"code":"(\w+)"/.exec(body)?.[1] ?? null, head }
      }
      const narrow = await post('/scoped', bearer({ scope: 'payments:read' }))
      assert.deepEqual([narrow.status, narrow.code], [403, 'insufficient_scope'])
      assert.match(narrow.head, /error="insufficient_scope", scope="payments:write"/)
      assert.equal((await post('/scoped', { cookie })).code, 'insufficient_scope')
      assert.equal((await post('/scoped', bearer({ scope: 'payments:read payments:write' }))).status, 200)
      const worker = bearer({ act: { sub: 'worker' }, scope: 'payments:write' })
      assert.equal((await post('/scoped', worker)).status, 200)
      for (const path of ['/present', '/fresh']) {
        const { status, code } = await post(path, worker)
        assert.deepEqual([status, code], [403, 'presence_required'], path)
      }
      assert.equal((await post('/present', { cookie })).status, 200)
      assert.equal((await post('/present', bearer())).status, 200)
    })

    it(`${framework}: the server's own paths are the server's, beside the application's`, async () => {
      const { site, cookie, accountId, email } = await inhabited(await openHouse(database), open)
      assert.match((await send(site, 'GET /auth/session', { cookie })).body, new RegExp(accountId))
      const body = JSON.stringify({ email, password: goodPassword })
      const json = { 'content-type': 'application/json', 'content-length': String(body.length) }
      const signIn = await send(site, 'POST /auth/sign-in', { ...json, ...honest }, body)
      assert.equal(signIn.status, 200)
      assert.match(signIn.head, /set-cookie: __host-http-session=/)
      assert.equal((await send(site, 'POST /auth/sign-in', { ...json, origin: evil }, body)).status, 403)
      assert.equal((await send(site, 'GET /nowhere', { cookie })).status, 404)
    })
  }
})
