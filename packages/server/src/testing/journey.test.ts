import assert from 'node:assert/strict'
import { it } from 'node:test'
import { onEachEngine } from './engines.ts'
import { goodPassword, openHouse } from './house.ts'

onEachEngine('a first life', (open) => {
  it('signs up, proves the mailbox, signs in both ways, lists, ends one, refreshes', async () => {
    const { house, member, tokens, program, browser: newBrowser, statements } = await openHouse(open)
    const { browser, email, accountId } = await member()
    const mine = await browser.get('/auth/session')
    assert.equal(mine.status, 200)
    const shown = await mine.json()
    assert.equal(shown.account.id, accountId)
    assert.equal(shown.carrier, 'cookie')
    assert.equal(shown.session.current, true)

    const pair = await tokens(email)
    const app = program()
    const bearer = { authorization: `Bearer ${pair.access_token}` }
    const asApp = await (await app.get('/auth/session', bearer)).json()
    assert.equal(asApp.carrier, 'bearer')
    assert.equal(asApp.session.carrier, 'token')

    const { sessions } = await (await browser.get('/auth/sessions')).json()
    assert.deepEqual(sessions.map((s: { carrier: string }) => s.carrier).sort(), ['cookie', 'token'])

    const refreshed = await app.send('POST', '/oauth/token', {
      form: { grant_type: 'refresh_token', refresh_token: pair.refresh_token },
    })
    assert.equal(refreshed.status, 200)
    const next = await refreshed.json()
    assert.notEqual(next.refresh_token, pair.refresh_token)

    const ended = await browser.send('DELETE', `/auth/sessions/${pair.session.id}`)
    assert.equal(ended.status, 204)
    assert.equal(
      (await app.get('/auth/session', { authorization: `Bearer ${next.access_token}` })).status,
      401,
    )
    assert.equal((await browser.get('/auth/session')).status, 200)
    statements.length = 0
    await browser.get('/auth/session')
    assert.deepEqual(statements, [], 'a warm request asks the store nothing')

    const again = newBrowser()
    assert.equal((await again.post('/auth/sign-in', { email, password: goodPassword })).status, 200)
    assert.equal((await again.get('/account')).status, 200)
    assert.equal((await again.post('/auth/sign-out')).status, 204)
    assert.equal((await again.get('/auth/session')).status, 401)
    void house
  })
})
