import assert from 'node:assert/strict'
import { it } from 'node:test'
import { goodPassword, onEachEngine, openHouse, otherPassword } from '../testing/index.ts'

const notice = /Your new password is set/
const toSignIn = { status: 303, location: '/sign-in?next=/account', body: '' }

async function shownBy(answer: Response) {
  return { status: answer.status, location: answer.headers.get('location'), body: await answer.text() }
}

onEachEngine('the page to sign in', (open) => {
  it('says after a reset by form that it is done, and says nothing for any other word in its address', async () => {
    const house = await openHouse(open)
    const { email } = await house.member()
    const browser = house.browser()
    await browser.submit('/forgot', { email })
    const token = await house.linkFor(email, 'reset')
    const reset = await browser.submit('/reset', { token, password: otherPassword })
    const location = reset.headers.get('location') ?? ''
    assert.deepEqual([reset.status, location], [303, '/sign-in?done=reset'])
    assert.match(await (await browser.get(location)).text(), notice)
    const plain = await (await browser.get('/sign-in')).text()
    for (const done of ['', 'Reset', 'reset2', 'password-changed', 'toString', '%3Cb%3Ereset']) {
      assert.equal(await (await browser.get(`/sign-in?done=${done}`)).text(), plain, done)
    }
    assert.doesNotMatch(plain, notice)
  })
})

onEachEngine('the page for a new password', (open) => {
  it('does not call a link spent that is good, where it is loaded again without its token', async () => {
    const house = await openHouse(open)
    const { email } = await house.member()
    const browser = house.browser()
    await browser.submit('/forgot', { email })
    const token = await house.linkFor(email, 'reset')
    // As page.js leaves the address once the page is there.
    const again = await browser.get('/reset')
    assert.equal(again.status, 200)
    const text = await again.text()
    assert.match(text, /Open the link once more/)
    assert.doesNotMatch(text, /spent/)
    assert.match(await (await browser.get(`/reset?token=${token}`)).text(), /Set the new password/)
    assert.equal((await browser.get('/reset?token=')).status, 410)
  })
})

onEachEngine('the form to change a password', (open) => {
  const typed: [what: string, form: { current: string; new: string }][] = [
    ['with a right password', { current: goodPassword, new: otherPassword }],
    ['with a wrong password', { current: otherPassword, new: otherPassword }],
    ['with a new one that is too short', { current: goodPassword, new: 'short' }],
  ]
  for (const [what, form] of typed) {
    it(`leads to the sign-in, and shows no device, where the session ends meanwhile: ${what}`, async () => {
      const house = await openHouse(open)
      const { browser, email, accountId } = await house.member()
      const own = await (await browser.get('/auth/session')).json()
      const other = await house.browser().post('/auth/sign-in', { email, password: goodPassword })
      assert.equal(other.status, 200, 'there is a device to show')
      house.machine.beforeHash = async () => {
        house.machine.beforeHash = null
        await house.house.sessions.endAny(own.session.id, 'operator')
      }
      const answer = await browser.submit('/account/password', form)
      assert.equal(house.machine.beforeHash, null, 'it ended meanwhile')
      assert.deepEqual(await shownBy(answer), toSignIn)
      assert.equal((await house.house.sessions.list(accountId)).length, 1)
      const again = await house.browser().post('/auth/sign-in', { email, password: goodPassword })
      assert.equal(again.status, 200, 'nothing was changed')
    })
  }

  it('leads to the sign-in where another tab has changed the password meanwhile, and that one counts', async () => {
    const house = await openHouse(open)
    const { browser, email } = await house.member()
    const tab = house.browser()
    for (const [name, value] of browser.cookies) tab.cookies.set(name, value)
    house.machine.beforeHash = async () => {
      house.machine.beforeHash = null
      const changed = await tab.submit('/account/password', { current: goodPassword, new: otherPassword })
      assert.equal(changed.status, 303)
    }
    const form = { current: goodPassword, new: 'eleven amber lanterns on the pier' }
    assert.deepEqual(await shownBy(await browser.submit('/account/password', form)), toSignIn)
    assert.equal((await tab.get('/auth/session')).status, 200)
    const again = await house.browser().post('/auth/sign-in', { email, password: otherPassword })
    assert.equal(again.status, 200)
  })
})
