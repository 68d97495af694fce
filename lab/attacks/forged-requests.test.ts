import assert from 'node:assert/strict'
import { it, type TestContext } from 'node:test'
import { listen, onEachEngine, openHouse, routeTable, type TestHouse } from 'counterfoil/house'
import { everyAttackIsReal } from './at-textbook.ts'
import { contentsOf } from './evidence.ts'
import {
  bodyIsReadAnyway,
  browserIsSignedIn,
  everybodyIsLetIn,
  headsAreTakenForOwn,
  methodIsOverridden,
  methodsReachTheRoute,
  originIsEchoed,
  preflightIsAllowed,
  somebodyIsSignedOut,
} from './forgeries-at-textbook.ts'
import { requestText, sendRaw, statusOf } from './raw-request.ts'
import {
  aVictim,
  deedsOf,
  expectDeedsDoneHonestly,
  expectDeedsRefused,
  expectForged,
  unchanged,
  withoutTrace,
} from './victim.ts'

const own = 'http://localhost:3000'
const evil = 'https://evil.example'
const crossSite = { 'sec-fetch-site': 'cross-site', origin: evil }

async function listening(t: TestContext, home: TestHouse): Promise<number> {
  const listener = await listen({ fetch: home.house.fetch, host: '127.0.0.1', port: 0 })
  t.after(() => listener.close())
  return listener.port
}

onEachEngine('forged requests', (open) => {
  it('A-1: a form posted from another site changes nothing, not even the last sign of life', async () => {
    const victim = await aVictim(open)
    await expectDeedsRefused('A-1', victim, crossSite)
    await expectDeedsRefused('A-1', victim, { 'sec-fetch-site': 'cross-site' })
    await expectDeedsRefused('A-1', victim, { origin: evil })
    const { home, browser } = victim
    const before = await contentsOf(home.db)
    await browser.get('/auth/session')
    await home.house.chores.touches()
    assert.notEqual(
      await contentsOf(home.db),
      before,
      'an honest request is a sign of life, and would be seen',
    )
    await expectDeedsDoneHonestly(victim)
  })

  it('A-2: JSON disguised as text/plain is refused by origin, and by type where the origin is right', async () => {
    const victim = await aVictim(open)
    const { home, forged, browser, password } = victim
    const body = JSON.stringify({ current: password, new: 'chosen by whoever forged it' })
    const disguised = { path: '/password', type: 'text/plain', body, headers: crossSite }
    await bodyIsReadAnyway('A-2', disguised)
    const send = (headers: Record<string, string>) =>
      unchanged(home, () =>
        forged.send('POST', '/auth/password/change', {
          body,
          headers: { 'content-type': 'text/plain', ...headers },
        }),
      )
    await expectForged(await send(crossSite), 'from another site')
    for (const type of [
      'text/plain',
      'text/plain;charset=application/json',
      'application/x-www-form-urlencoded',
      '',
    ]) {
      const answer = await send({ 'sec-fetch-site': 'same-origin', 'content-type': type })
      assert.equal(answer.status, 415, type)
    }
    const honest = await browser.send('POST', '/auth/password/change', {
      body,
      headers: { 'content-type': 'application/json' },
    })
    assert.equal(honest.status, 200)
  })

  it('A-3: a multipart form sent by script of another site changes nothing', async () => {
    const victim = await aVictim(open)
    const { home, forged, otherSession } = victim
    const field = (name: string, value: string) =>
      `--x\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n--x--\r\n`
    const type = 'multipart/form-data; boundary=x'
    const body = field('amount', '1')
    await bodyIsReadAnyway('A-3', { path: '/transfer', type, body, headers: crossSite })
    const send = (headers: Record<string, string>) =>
      unchanged(home, () =>
        forged.send('POST', '/account/sessions/end', {
          body: field('id', otherSession),
          headers: { 'content-type': type, ...headers },
        }),
      )
    await expectForged(await send(crossSite), 'multipart')
    assert.equal((await send({ 'sec-fetch-site': 'same-origin' })).status, 415)
    await expectDeedsDoneHonestly(victim)
  })

  it('A-4: a preflight of another site is given nothing, and a body that comes anyway is never read', async () => {
    await preflightIsAllowed('A-4', crossSite)
    const victim = await aVictim(open, { policy: { origins: ['https://app.example.com'] } })
    const { home, forged } = victim
    const asks = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' }
    for (const { path } of deedsOf(victim)) {
      const refused = await forged.send('OPTIONS', path, { headers: { ...crossSite, ...asks } })
      const allowed = await forged.send('OPTIONS', path, {
        headers: { ...asks, 'sec-fetch-site': 'cross-site', origin: 'https://app.example.com' },
      })
      const granted = (response: Response) =>
        [...response.headers.keys()].filter((name) => name.startsWith('access-'))
      assert.deepEqual(granted(refused), [], path)
      assert.equal(granted(allowed).length, 6, `${path}: an allow-listed origin would be told`)
    }
    for (const site of ['cross-site', 'same-origin']) {
      let reads = 0
      const body = new ReadableStream(
        {
          pull: (stream) => (reads++ === 0 ? stream.enqueue(new TextEncoder().encode('{}')) : stream.close()),
        },
        { highWaterMark: 0 },
      )
      const cookie = [...forged.cookies].map((pair) => pair.join('=')).join('; ')
      const headers = { cookie, 'content-type': 'application/json', 'sec-fetch-site': site }
      const init = { method: 'POST', headers, body, duplex: 'half' }
      const response = await home.house.fetch(new Request(`${own}/auth/password/change`, init))
      assert.deepEqual([response.status, reads > 0], site === 'cross-site' ? [403, false] : [400, true])
    }
  })

  it('A-5: a sibling below the same domain changes nothing, though the browser sends it the cookie', async () => {
    const victim = await aVictim(open, { issuer: 'https://app.example.com' })
    await expectDeedsRefused('A-5', victim, {
      'sec-fetch-site': 'same-site',
      origin: 'https://evil.example.com',
    })
    await expectDeedsRefused('A-5', victim, { 'sec-fetch-site': 'same-site' })
    await expectDeedsRefused('A-5', victim, { origin: 'https://evil.example.com' })
    await expectDeedsDoneHonestly(victim)
  })

  it('A-6: another port of the same host changes nothing', async () => {
    const victim = await aVictim(open, { issuer: 'https://app.example.com' })
    await expectDeedsRefused('A-6', victim, {
      'sec-fetch-site': 'same-site',
      origin: 'https://app.example.com:8443',
    })
    await expectDeedsRefused('A-6', victim, { origin: 'https://app.example.com:8443' })
    await expectDeedsDoneHonestly(victim)
  })

  it('A-7: a page without TLS on the same host is another origin', async () => {
    const victim = await aVictim(open, { issuer: 'https://app.example.com' })
    await expectDeedsRefused('A-7', victim, { origin: 'http://app.example.com' })
    await expectDeedsRefused('A-7', victim, { origin: 'http://app.example.com:443' })
    await expectDeedsRefused('A-7', victim, {
      'sec-fetch-site': 'cross-site',
      origin: 'http://app.example.com',
    })
    const honest = await victim.forged.post('/auth/sign-out', undefined, {
      origin: 'https://app.example.com',
    })
    assert.equal(honest.status, 204, 'Origin alone is evidence enough when it is ours')
  })

  it('A-8: a sandboxed frame, whose origin is null, proves nothing and cannot be allow-listed', async () => {
    const victim = await aVictim(open)
    await expectDeedsRefused('A-8', victim, { origin: 'null' })
    await expectDeedsRefused('A-8', victim, { origin: 'null', 'sec-fetch-site': 'cross-site' })
    await expectDeedsRefused('A-8', victim, { origin: 'null', 'sec-fetch-site': 'unheard-of' })
    await assert.rejects(openHouse(open, { policy: { origins: ['null'] } }), /origins/)
    await expectDeedsDoneHonestly(victim)
  })

  it('A-9: a null origin without a Host, as HTTP/1.0 allows, is not our own', async (t) => {
    const victim = await aVictim(open)
    const { home, forged } = victim
    const port = await listening(t, home)
    const cookie = `Cookie: ${[...forged.cookies].map((pair) => pair.join('=')).join('; ')}`
    const heads = (path: string) => [
      [`POST ${path} HTTP/1.0`, 'Origin: null'],
      [`POST ${path} HTTP/1.0`, 'Host:', 'Origin: null'],
      [`POST ${path} HTTP/1.1`, 'Host:', 'Origin: null', 'Connection: close'],
      [`POST ${path} HTTP/1.0`, 'Host: localhost:3000', 'Origin: null'],
      [`POST ${path} HTTP/1.0`, 'Origin: '],
    ]
    await headsAreTakenForOwn('A-9', heads)
    await withoutTrace(home, async () => {
      for (const head of heads('/sign-out')) {
        const answer = await sendRaw(port, `${[...head, cookie].join('\r\n')}\r\n\r\n`)
        assert.ok([400, 403].includes(statusOf(answer)), `${head.join(' | ')}: ${answer.slice(0, 80)}`)
        assert.doesNotMatch(answer, /set-cookie/i)
      }
    })
    const honest = ['POST /sign-out HTTP/1.0', 'Host: localhost:3000', `Origin: ${own}`, cookie]
    assert.equal(statusOf(await sendRaw(port, `${honest.join('\r\n')}\r\n\r\n`)), 303)
  })

  it('A-10: a cookie without any evidence changes nothing; a token needs none', async () => {
    const victim = await aVictim(open)
    const { home, email } = victim
    await expectDeedsRefused('A-10', victim, {})
    await expectDeedsRefused('A-10', victim, { referer: `${own}/account` })
    const { access_token } = await home.tokens(email)
    const bearer = { authorization: `Bearer ${access_token}` }
    assert.equal((await home.program().post('/auth/sign-out', undefined, bearer)).status, 204)
    assert.equal((await home.program().get('/auth/session', bearer)).status, 401)
    await expectDeedsDoneHonestly(victim)
  })

  it('A-11: evidence that contradicts itself counts against the request', async () => {
    const victim = await aVictim(open)
    for (const origin of [evil, `${own}.evil.example`, 'http://localhost:3001', 'https://localhost:3000'])
      await expectDeedsRefused('A-11', victim, { 'sec-fetch-site': 'same-origin', origin })
    for (const site of ['cross-site', 'same-site'])
      await expectDeedsRefused('A-11', victim, { 'sec-fetch-site': site, origin: own })
    await expectDeedsDoneHonestly(victim)
  })

  it('A-12: the method is the one on the request line, whatever headers, query and body say', async () => {
    const victim = await aVictim(open)
    const { home, forged, browser, otherSession } = victim
    const path = `/auth/sessions/${otherSession}`
    const known = ['x-http-method-override', 'x-http-method', 'x-method-override', '_method']
    await methodIsOverridden('A-12', known)
    const overrides = [...known, 'method']
    await withoutTrace(home, async () => {
      for (const name of overrides) {
        for (const query of ['', `?${name}=DELETE`]) {
          const headers = { [name]: 'DELETE' }
          assert.equal((await browser.get(path + query, headers)).status, 405)
          const posted = await browser.send('POST', path + query, { form: { [name]: 'DELETE' }, headers })
          assert.equal(posted.status, 405)
        }
        const headers = { ...crossSite, [name]: 'GET' }
        const form = { [name]: 'GET' }
        await expectForged(await forged.send('POST', `/sign-out?${name}=GET`, { form, headers }), name)
        assert.equal((await browser.get(`/auth/sign-out?${name}=POST`, { [name]: 'POST' })).status, 405)
      }
    })
    assert.equal((await browser.send('DELETE', path)).status, 204)
  })

  it('A-13: over the wire only the exact method reaches a route, and no other spelling of it', async (t) => {
    await methodsReachTheRoute('A-13', ['GET', 'HEAD', 'PATCH', 'PUT', 'QUERY', 'TRACE'])
    const victim = await aVictim(open)
    const { home, browser } = victim
    const port = await listening(t, home)
    const cookies = [...browser.cookies].map((pair) => pair.join('=')).join('; ')
    const headers = [
      'Host: localhost:3000',
      `Cookie: ${cookies}`,
      'Sec-Fetch-Site: same-origin',
      `Origin: ${own}`,
    ]
    const ask = async (method: string) =>
      statusOf(await sendRaw(port, requestText(method, '/auth/sign-out', headers)))
    await withoutTrace(home, async () => {
      for (const method of [
        'post',
        'PoSt',
        'pOST',
        'POST\t',
        ' POST',
        'TRACE',
        'TRACK',
        'CONNECT',
        'PATCH',
        'PUT',
        'QUERY',
      ]) {
        const status = await ask(method)
        assert.ok([0, 400, 404, 405, 501].includes(status), `${JSON.stringify(method)} is answered ${status}`)
      }
      for (const method of ['GET', 'HEAD']) assert.equal(await ask(method), 405)
      assert.equal(await ask('OPTIONS'), 204)
    })
    assert.equal(await ask('POST'), 204)
  })

  it('A-14: no origin but one on the list is ever named to a browser, however alike it looks', async () => {
    const listed = 'https://app.example.com'
    const home = await openHouse(open, { issuer: 'https://example.com', policy: { origins: [listed] } })
    const { browser } = await home.member()
    const alike = [
      ...[
        'https://app.example.com.evil.tld',
        'https://appXexample.com',
        'https://evil.app.example.com',
        'null',
      ],
      ...[
        'http://app.example.com',
        'https://app.example.com:8443',
        'https://app.example.com/',
        'https://APP.example.com',
      ],
      ...['https://example.com', 'https://evil-app.example.com', `${listed}, ${evil}`, `${listed} `, '*', ''],
    ]
    // What no list of anybody's is fooled by is tried all the same.
    await originIsEchoed(
      'A-14',
      alike.filter((origin) => !['', '*'].includes(origin)),
    )
    for (const { method, path } of home.house.routes) {
      for (const origin of alike) {
        const answer = await browser.send(method, path.replace(/:\w+/, 'x'), { headers: { origin } })
        const named = answer.headers.get('access-control-allow-origin')
        // Header values come without the blanks around them, so one of these is the listed origin itself.
        assert.equal(named, origin.trim() === listed ? listed : null, `${method} ${path} from ${origin}`)
      }
      const honest = await browser.send(method, path.replace(/:\w+/, 'x'), { headers: { origin: listed } })
      assert.equal(honest.headers.get('access-control-allow-origin'), listed)
      assert.equal(honest.headers.get('access-control-allow-credentials'), 'true')
      assert.match(honest.headers.get('vary') ?? '', /\bOrigin\b/)
    }
  })

  it('A-15: no answer lets every origin in, and a list that says so stops the start', async () => {
    const origins = ['https://app.example.com', evil, own, 'null', '*']
    await everybodyIsLetIn('A-15', origins)
    const home = await openHouse(open, { policy: { origins: ['https://app.example.com'] } })
    const { browser } = await home.member()
    for (const { method, path } of await routeTable()) {
      for (const asked of [method, 'OPTIONS']) {
        for (const origin of origins) {
          const answer = await browser.send(asked, path.replace(/:\w+/, 'x'), { headers: { origin } })
          for (const [name, value] of answer.headers)
            if (name.startsWith('access-control-'))
              assert.doesNotMatch(value, /\*/, `${asked} ${path}: ${name}`)
        }
      }
    }
    for (const origin of ['*', 'https://*.example.com', 'https://app.example.com/', 'app.example.com'])
      await assert.rejects(openHouse(open, { policy: { origins: [origin] } }), /origins/, origin)
  })

  it('A-16: another site cannot sign a browser in to an account of its own', async () => {
    const home = await openHouse(open)
    const attacker = await home.member('mallory@example.org')
    const { email, password } = attacker
    await home.house.chores.touches()
    const visitor = home.program()
    const elsewhere = [
      crossSite,
      { 'sec-fetch-site': 'same-site', origin: 'http://localhost:8080' },
      { origin: 'null' },
      {},
    ]
    await browserIsSignedIn('A-16', elsewhere, 'sign-in')
    for (const headers of elsewhere) {
      const about = JSON.stringify(headers)
      await withoutTrace(home, async () => {
        const credentials = { email, password }
        await expectForged(await visitor.send('POST', '/sign-in', { form: credentials, headers }), about)
        await expectForged(await visitor.send('POST', '/auth/sign-in', { json: credentials, headers }), about)
        const asked = { ...credentials, carrier: 'cookie' }
        await expectForged(await visitor.send('POST', '/auth/sign-in', { json: asked, headers }), about)
      })
    }
    assert.equal(visitor.cookies.size, 0)
    const honest = await home.browser().submit('/sign-in', { email, password })
    assert.equal(honest.status, 303)
    assert.ok(honest.headers.getSetCookie().length > 0)
  })

  it("A-16: another site cannot finish a sign-up of its own in somebody else's browser", async () => {
    const home = await openHouse(open)
    const mallory = home.browser()
    const [email, password] = ['mallory@example.org', 'a password that mallory thought of']
    await mallory.post('/auth/sign-up', { email, password })
    const token = await home.linkFor(email, 'verify')
    const elsewhere = [crossSite, { origin: 'null' }, {}]
    await browserIsSignedIn('A-16', elsewhere, 'sign-up')
    await unchanged(home, async () => {
      for (const headers of elsewhere) {
        const visitor = home.program()
        const posted = await visitor.send('POST', '/verify', { form: { token, password }, headers })
        await expectForged(posted, 'by form')
        await expectForged(await visitor.post('/auth/verify-email', { token, password }, headers), 'by JSON')
      }
    })
    assert.equal((await mallory.post('/auth/verify-email', { token })).status, 200)
  })

  it('A-20: no image, link, frame or form of another site signs anybody out', async () => {
    const elsewhere = [crossSite, { 'sec-fetch-site': 'same-site' }, { origin: 'null' }, {}]
    await somebodyIsSignedOut('A-20', elsewhere)
    const victim = await aVictim(open)
    const { home, browser, forged } = victim
    await withoutTrace(home, async () => {
      for (const path of ['/auth/sign-out', '/sign-out']) {
        for (const method of ['GET', 'HEAD']) {
          const image = await forged.send(method, path, {
            headers: { ...crossSite, 'sec-fetch-dest': 'image' },
          })
          assert.equal(image.status, 405)
          assert.deepEqual(image.headers.getSetCookie(), [])
          assert.equal((await browser.send(method, path)).status, 405, 'not even from our own page')
        }
        for (const headers of elsewhere)
          await expectForged(await forged.send('POST', path, { headers }), path)
      }
    })
    // Without the cookie, which SameSite holds back, the answer must not take it away either.
    forged.cookies.clear()
    await expectForged(await forged.send('POST', '/sign-out', { headers: crossSite }), 'without the cookie')
    assert.equal((await browser.get('/auth/session')).status, 200)
    assert.equal((await browser.submit('/sign-out', {})).status, 303)
    assert.equal((await browser.get('/auth/session')).status, 401)
  })
})

everyAttackIsReal('forged-requests.test.ts')
