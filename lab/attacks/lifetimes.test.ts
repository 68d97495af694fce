import assert from 'node:assert/strict'
import { it } from 'node:test'
import { type Agent, goodPassword, onEachEngine, openHouse } from 'counterfoil/house'
import { everyAttackIsReal } from './at-textbook.ts'
import { pollingKeepsItAlive, useKeepsItForEver } from './sessions-at-textbook.ts'

onEachEngine('sessions that should be over', (open) => {
  it('A-30: a poll that says it is passive keeps no session alive', async (t) => {
    await pollingKeepsItAlive('A-30', t, 3600)
    const home = await openHouse(open, { policy: { sessionIdleSeconds: 3600 } })
    const { browser, email } = await home.member()
    const alive = home.browser()
    await alive.post('/auth/sign-in', { email, password: goodPassword })
    const poll = async (agent: Agent, passive: string | null) => {
      const headers = passive === null ? {} : { 'counterfoil-passive': passive }
      return (await agent.get('/auth/session', headers)).status
    }
    for (let passed = 0; passed < 3600; passed += 300) {
      assert.equal(await poll(browser, '?1'), 200, `after ${passed} s`)
      // Anything but the one word means that somebody is there.
      assert.equal(await poll(alive, passed % 600 === 0 ? null : '?0'), 200)
      await home.house.chores.touches()
      home.machine.clock.advance(300)
    }
    assert.equal(await poll(browser, '?1'), 401)
    assert.equal(await poll(browser, null), 401, 'and it is over for good')
    assert.equal(await poll(alive, null), 200)
  })

  it('A-31: a session that is used every day ends on its last one, by cookie and by token', async (t) => {
    const day = 86_400
    await useKeepsItForEver('A-31', t, 60 * day)
    const home = await openHouse(open)
    const { browser, email } = await home.member()
    const born = home.machine.clock.now()
    let pair = await home.tokens(email)
    const refresh = (token: string) =>
      home.program().submit('/oauth/token', { grant_type: 'refresh_token', refresh_token: token })
    const byToken = async () =>
      (await home.program().get('/auth/session', { authorization: `Bearer ${pair.access_token}` })).status
    for (let passed = 1; passed < 30; passed++) {
      home.machine.clock.advance(day)
      assert.equal((await browser.get('/auth/session')).status, 200, `by cookie on day ${passed}`)
      pair = await (await refresh(pair.refresh_token)).json()
      assert.equal(await byToken(), 200, `by token on day ${passed}`)
      await home.house.chores.touches()
    }
    // The last refresh buys what is left of the last day, and no more.
    home.machine.clock.advance(day - 60)
    pair = await (await refresh(pair.refresh_token)).json()
    assert.equal(await byToken(), 200)
    assert.equal((await browser.get('/auth/session')).status, 200)
    home.machine.clock.advance(60)
    assert.equal(home.machine.clock.now() - born, 30 * day)
    assert.equal(await byToken(), 401)
    assert.equal((await browser.get('/auth/session')).status, 401)
    assert.equal((await refresh(pair.refresh_token)).status, 400)
  })
})

everyAttackIsReal('lifetimes.test.ts')
