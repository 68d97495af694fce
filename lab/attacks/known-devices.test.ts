import assert from 'node:assert/strict'
import { it } from 'node:test'
import {
  type Agent,
  goodPassword,
  type OpenTestDatabase,
  onEachEngine,
  openHouse,
  otherPassword,
  type TestHouse,
} from 'counterfoil/house'

const cookieName = '__Host-Http-device'

type Scene = TestHouse & { email: string; first: Agent; second: Agent }

/** Two browsers from which somebody has signed in. */
async function scene(open: OpenTestDatabase, verifiedEmail: 'required' | 'optional'): Promise<Scene> {
  const house = await openHouse(open, { policy: { verifiedEmail } })
  const email = 'ada@example.org'
  const first = house.browser()
  if (verifiedEmail === 'required') await enrol(house, first, email)
  else assert.equal((await first.post('/auth/sign-up', { email, password: goodPassword })).status, 201)
  const second = house.browser()
  assert.equal((await second.post('/auth/sign-in', { email, password: goodPassword })).status, 200)
  return { ...house, email, first, second }
}

async function enrol(house: TestHouse, browser: Agent, email: string): Promise<void> {
  await browser.post('/auth/sign-up', { email, password: goodPassword })
  const token = await house.linkFor(email, 'verify')
  assert.equal((await browser.post('/auth/verify-email', { token })).status, 200)
}

/** Guesses from elsewhere hold the account back; whoever is known to it signs in all the same. */
async function holdBack(on: Scene): Promise<void> {
  for (let at = 0; at < 11; at++) {
    const json = { email: on.email, password: 'a guess that is quite wrong', carrier: 'token' }
    await on.program().send('POST', '/auth/sign-in', { json, address: '198.51.100.1' })
  }
}

async function isKnown(on: Scene, device: string, password: string): Promise<boolean> {
  const headers = { cookie: `${cookieName}=${device}` }
  const json = { email: on.email, password, carrier: 'token' }
  const answer = await on.program().send('POST', '/auth/sign-in', { json, headers, address: '203.0.113.5' })
  assert.ok(answer.status === 200 || answer.status === 429, `${answer.status}`)
  return answer.status === 200
}

const deviceOf = (browser: Agent) => browser.cookies.get(cookieName) ?? ''

type Case = {
  what: string
  verifiedEmail: 'required' | 'optional'
  /** What happens; the browser in which it does. */
  happens: (on: Scene) => Promise<Agent>
  right: string
  /** Whether the two browsers of before, by the cookies that they had, are still known. */
  still: boolean
}

async function taken(on: Scene, password: string): Promise<Agent> {
  const browser = on.browser()
  const token = await on.linkFor(on.email, 'verify')
  assert.equal((await browser.post('/auth/verify-email', { token, password })).status, 200)
  return browser
}

const cases: readonly Case[] = [
  {
    what: 'nothing',
    verifiedEmail: 'required',
    happens: async (on) => on.first,
    right: goodPassword,
    still: true,
  },
  {
    what: 'a fresh proof',
    verifiedEmail: 'required',
    async happens(on) {
      assert.equal((await on.first.post('/auth/reauthenticate', { password: goodPassword })).status, 200)
      return on.first
    },
    right: goodPassword,
    still: true,
  },
  {
    what: 'a proof of the mailbox with the sign-up’s own password',
    verifiedEmail: 'optional',
    happens: (on) => taken(on, goodPassword),
    right: goodPassword,
    still: true,
  },
  {
    what: 'a reset',
    verifiedEmail: 'required',
    async happens(on) {
      const browser = on.browser()
      await browser.post('/auth/password/forgot', { email: on.email })
      const token = await on.linkFor(on.email, 'reset')
      const answer = await browser.post('/auth/password/reset', { token, password: otherPassword })
      assert.equal(answer.status, 204)
      return browser
    },
    right: otherPassword,
    still: false,
  },
  {
    what: 'a change of password',
    verifiedEmail: 'required',
    async happens(on) {
      const json = { current: goodPassword, new: otherPassword }
      assert.equal((await on.first.post('/auth/password/change', json)).status, 200)
      return on.first
    },
    right: otherPassword,
    still: false,
  },
  {
    what: 'a change of password on the page',
    verifiedEmail: 'required',
    async happens(on) {
      const form = { current: goodPassword, new: otherPassword }
      assert.equal((await on.first.submit('/account/password', form)).status, 303)
      return on.first
    },
    right: otherPassword,
    still: false,
  },
  {
    what: 'a proof of the mailbox by somebody else',
    verifiedEmail: 'optional',
    happens: (on) => taken(on, otherPassword),
    right: otherPassword,
    still: false,
  },
]

onEachEngine('the devices that an account knows', (open) => {
  for (const { what, verifiedEmail, happens, right, still } of cases) {
    it(`A-84: after ${what}: those of before are ${still ? 'still known' : 'strangers'}, the one where it happened is known`, async () => {
      const on = await scene(open, verifiedEmail)
      const before = [deviceOf(on.first), deviceOf(on.second)]
      assert.ok(before.every((device) => device.length > 40))
      const actor = await happens(on)
      await holdBack(on)
      for (const device of before) assert.equal(await isKnown(on, device, right), still)
      assert.equal(await isKnown(on, deviceOf(actor), right), true)
      assert.equal(await isKnown(on, '', right), false, 'the account is held back for everybody else')
    })
  }
})
