import assert from 'node:assert/strict'
import { it } from 'node:test'
import { type Agent, onEachEngine, routeTable, type TestHouse } from '../testing/index.ts'
import { addressOf, anotherCast, contentsOf, sentTo, stageIn } from '../testing/route-walk.ts'
import type { Route } from './route.ts'

const safeMethods = ['GET', 'HEAD', 'OPTIONS']
const evidence: [string, Record<string, string>][] = [
  ['no evidence', {}],
  ['another site', { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }],
  ['a sibling', { 'sec-fetch-site': 'same-site' }],
  ['a foreign origin', { origin: 'https://evil.example' }],
  ['a null origin', { origin: 'null' }],
  ['a contradiction', { 'sec-fetch-site': 'same-origin', origin: 'https://evil.example' }],
]

function copyOf(home: TestHouse, browser: Agent): Agent {
  const forger = home.program()
  for (const [name, value] of browser.cookies) forger.cookies.set(name, value)
  return forger
}

const isForms = ({ kind }: Route) => kind === 'api' || kind === 'page'
const unsafe = (routes: readonly Route[]) => routes.filter(({ method }) => method !== 'GET')
const label = ({ method, path }: Route) => `${method} ${path}`

onEachEngine('every route', (open) => {
  it('is in the table that these walks go through', async () => {
    const { home } = await stageIn(open)
    assert.deepEqual(home.house.routes.map(label), (await routeTable()).map(label))
    assert.ok(unsafe(home.house.routes).length > 10)
    assert.equal(new Set(home.house.routes.map(label)).size, home.house.routes.length)
  })

  it('leaves every row as it is when asked by a safe method', async () => {
    const stage = await stageIn(open)
    const { home, browser } = stage
    const before = await contentsOf(home)
    for (const route of home.house.routes) {
      for (const method of safeMethods) {
        const answer = await browser.send(method, addressOf(route, stage))
        const about = `${method} ${route.path}`
        assert.deepEqual(await contentsOf(home), before, about)
        assert.deepEqual(answer.headers.getSetCookie(), [], about)
        assert.ok(answer.status < 500, about)
      }
    }
    assert.equal((await browser.send('DELETE', `/auth/sessions/${stage.otherSession}`)).status, 204)
    assert.notDeepEqual(await contentsOf(home), before, 'an unsafe one would be seen')
  })

  it('A-13: that changes something has no safe method, whatever its neighbours have', async () => {
    const stage = await stageIn(open)
    const { home, browser } = stage
    const { routes } = home.house
    for (const route of unsafe(routes)) {
      const hasPage = routes.some(({ method, path }) => method === 'GET' && path === route.path)
      for (const method of ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE']) {
        if (method === route.method || (hasPage && safeMethods.includes(method))) continue
        const { status } = await browser.send(method, addressOf(route, stage))
        assert.ok(status === 404 || status === 405, `${method} ${route.path} is answered ${status}`)
      }
      const options = await browser.send('OPTIONS', addressOf(route, stage))
      assert.equal(options.status, 204)
      assert.equal(await options.text(), '')
      assert.ok(options.headers.get('allow')?.includes(route.method), label(route))
    }
  })

  it('refuses an unsafe request by cookie that does not prove where it comes from', async () => {
    for (const verifiedEmail of ['required', 'optional'] as const) {
      const stage = await stageIn(open, { verifiedEmail })
      const { home, browser } = stage
      const forger = copyOf(home, browser)
      const before = await contentsOf(home)
      for (const route of unsafe(home.house.routes).filter(isForms)) {
        for (const [about, headers] of evidence) {
          const sent = { ...sentTo(route, stage), headers }
          const answer = await forger.send(route.method, addressOf(route, stage), sent)
          await expectForged(answer, `${label(route)} with ${about}`)
        }
      }
      assert.deepEqual(await contentsOf(home), before)
    }
  })

  it('refuses an unsafe request without a cookie where evidence speaks against it', async () => {
    const stage = await stageIn(open)
    const { home } = stage
    const before = await contentsOf(home)
    for (const route of unsafe(home.house.routes).filter(isForms)) {
      for (const [about, headers] of evidence.filter(([, { origin }]) => origin === 'https://evil.example')) {
        const sent = { ...sentTo(route, stage), headers }
        const answer = await home.program().send(route.method, addressOf(route, stage), sent)
        await expectForged(answer, `${label(route)} with ${about}`)
      }
    }
    assert.deepEqual(await contentsOf(home), before)
  })

  it('hands out no session cookie to whoever shows no evidence', async () => {
    for (const verifiedEmail of ['required', 'optional'] as const) {
      const stage = await stageIn(open, { verifiedEmail })
      for (const route of unsafe(stage.home.house.routes)) {
        const sent = sentTo(route, stage)
        const answer = await stage.home.program().send(route.method, addressOf(route, stage), sent)
        const names = answer.headers.getSetCookie().map((cookie) => cookie.split('=', 1)[0])
        assert.ok(
          !names.includes('__Host-Http-session') && !names.includes('__Host-Http-sign-up'),
          label(route),
        )
      }
    }
  })

  it('does its work for an honest request: the walks above are stopped by the guard and by nothing else', async () => {
    const { home } = await stageIn(open)
    // A token beside a cookie is made of what is there, for whoever proves a key: its own tests show that.
    // What another system handed out takes no place of a session: its own tests show that too.
    const apart = ['/auth/token', '/auth/adopt']
    const routes = home.house.routes.filter(({ path }) => !apart.includes(path))
    for (const route of unsafe(routes).filter(isForms)) {
      const { method, path } = route
      const stage = await anotherCast(home, label(route).replace(/\W+/g, '.'))
      const before = await contentsOf(stage.home)
      const answer = await stage.browser.send(method, addressOf(route, stage), sentTo(route, stage))
      assert.ok(answer.status < 400, `${method} ${path} is answered ${answer.status}`)
      if (path === '/auth/sessions/:id') assert.equal(answer.status, 204)
      assert.notDeepEqual(await contentsOf(stage.home), before, `${method} ${path} changes nothing`)
    }
  })

  it('that is not for cookies answers the same with one and without', async () => {
    const stage = await stageIn(open)
    const { home, browser } = stage
    for (const route of home.house.routes.filter((one) => !isForms(one))) {
      const address = addressOf(route, stage)
      if (route.path === '/metrics') continue
      const ask = async (agent: Agent) => {
        const answer = await agent.send(route.method, address, sentTo(route, stage))
        return [answer.status, answer.headers.getSetCookie(), await answer.text()]
      }
      assert.deepEqual(await ask(copyOf(home, browser)), await ask(home.program()), label(route))
    }
  })
})

async function expectForged(answer: Response, about: string): Promise<void> {
  const body = await answer.text()
  assert.equal(answer.status, 403, `${about} is answered ${answer.status}: ${body.slice(0, 200)}`)
  assert.deepEqual(answer.headers.getSetCookie(), [], about)
  const isProblem = answer.headers.get('content-type') === 'application/problem+json'
  if (isProblem) assert.equal(JSON.parse(body).code, 'forged_request', about)
  else assert.match(body, /did not prove that this request comes from our own pages/, about)
}
