import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onEachEngine } from '../testing/engines.ts'
import { addressOf, contentsOf, sentTo, stageIn } from '../testing/route-walk.ts'

onEachEngine('whoever acts under a grant', (open) => {
  test('A-109 changes nothing, at any route that looks at who asks', async () => {
    const stage = await stageIn(open)
    const { home, worker, grant } = stage
    const { token } = await worker.exchange(grant)
    const headers = { authorization: `Bearer ${token}` }
    const before = await contentsOf(home)
    const routes = home.house.routes.filter(
      ({ method, caller }) => method !== 'GET' && (caller === 'required' || caller === 'optional'),
    )
    assert.ok(routes.length > 12)
    for (const route of routes) {
      const about = `${route.method} ${route.path}`
      const sent = { ...sentTo(route, stage), headers }
      const answer = await home.program().send(route.method, addressOf(route, stage), sent)
      const body = await answer.text()
      if (route.kind === 'api') assert.equal(JSON.parse(body).code, 'credential_invalid', about)
      assert.ok(answer.status === 401 || answer.status === 303, about)
      assert.deepEqual(answer.headers.getSetCookie(), [], about)
      assert.deepEqual(await contentsOf(home), before, about)
    }
  })

  test('A-109 sees who it acts for, and nothing else of the account', async () => {
    const stage = await stageIn(open)
    const { home, worker, grant, email, otherSession } = stage
    const { token } = await worker.exchange(grant)
    const headers = { authorization: `Bearer ${token}` }
    for (const route of home.house.routes.filter(
      ({ method, kind }) => method === 'GET' && kind !== 'service',
    )) {
      if (route.path === '/feed/stream' || route.path === '/dev/mail') continue
      const answer = await home.program().get(addressOf(route, stage), headers)
      const body = await answer.text()
      if (route.path === '/auth/session') assert.ok(body.includes(email))
      else
        assert.ok(!body.includes(otherSession) && !body.includes(email) && !body.includes(grant), route.path)
    }
    for (const path of ['/auth/sessions', '/auth/grants'])
      assert.equal((await (await home.program().get(path, headers)).json()).code, 'presence_required')
  })
})
