import assert from 'node:assert/strict'
import { it } from 'node:test'
import { goodPassword, onEachEngine, openHouse, otherPassword, type TestHouse } from 'counterfoil/house'
import { codeOf, expectRefused } from './evidence.ts'

const victim = 'victim@example.org'
const perAddress = 5

/** Somebody else every time, so that no count of a network is in the way. */
function strangers({ program }: TestHouse) {
  let at = 0
  return (path: string, json: object) => {
    at += 1
    return program().send('POST', path, { json, address: `198.51.100.${at}` })
  }
}

async function mailsTo({ house }: TestHouse, isTo: (address: string) => boolean): Promise<number> {
  return (await house.mail.mailbox()).filter(({ to }) => isTo(to)).length
}

const fails = (house: TestHouse, email: string, address: string) =>
  house
    .program()
    .send('POST', '/auth/sign-in', { json: { email, password: otherPassword, carrier: 'token' }, address })

onEachEngine('what a stranger does with an address', (open) => {
  it('A-82: however many sign up with it, its owner still gets a link to recover the account', async () => {
    const house = await openHouse(open)
    await house.member(victim)
    const send = strangers(house)
    for (let at = 0; at < 4 * perAddress; at++)
      assert.equal((await send('/auth/sign-up', { email: victim, password: otherPassword })).status, 202)
    const before = await mailsTo(house, (to) => to === victim)
    assert.ok(before <= perAddress, 'and is not flooded meanwhile')
    assert.equal((await send('/auth/password/forgot', { email: victim })).status, 202)
    const token = await house.linkFor(victim, 'reset')
    const answer = await house.browser().post('/auth/password/reset', { token, password: otherPassword })
    assert.equal(answer.status, 204)
  })

  it('A-82: however many ask for its recovery, its owner still gets a link to finish a sign-up', async () => {
    const house = await openHouse(open)
    const send = strangers(house)
    for (let at = 0; at < 4 * perAddress; at++)
      assert.equal((await send('/auth/password/forgot', { email: victim })).status, 202)
    await house.member(victim)
  })

  it('A-82: a mail that was held back does not make the link of the one before it void', async () => {
    const house = await openHouse(open)
    await house.member(victim)
    const send = strangers(house)
    for (let at = 0; at < perAddress; at++) await send('/auth/password/forgot', { email: victim })
    const token = await house.linkFor(victim, 'reset')
    for (let at = 0; at < perAddress; at++) await send('/auth/password/forgot', { email: victim })
    assert.equal(await house.linkFor(victim, 'reset'), token, 'nothing more was sent')
    const answer = await house.browser().post('/auth/password/reset', { token, password: otherPassword })
    assert.equal(answer.status, 204)
  })

  const doors: [what: string, path: string][] = [
    ['sign-ups', '/auth/sign-up'],
    ['recoveries', '/auth/password/forgot'],
  ]
  for (const [what, path] of doors) {
    it(`A-82: one mailbox gets no more mails for having tags; ${what}`, async () => {
      const house = await openHouse(open, { policy: { mailsPerAddress: 3 } })
      const tagged = ['victim+a@example.org', 'victim+b@example.org', 'victim+a+b@example.org', victim]
      for (const email of tagged) {
        if (path === '/auth/password/forgot') {
          await house.member(email)
          house.machine.clock.advance(3600)
        }
      }
      const isTheirs = (to: string) => /^victim(?:\+.*)?@/.test(to)
      const before = await mailsTo(house, isTheirs)
      const send = strangers(house)
      for (const email of [...tagged, ...tagged])
        assert.equal((await send(path, { email, password: otherPassword })).status, 202)
      assert.equal((await mailsTo(house, isTheirs)) - before, 3)
      const other = 'victim+a@example.net'
      await send('/auth/sign-up', { email: other, password: otherPassword })
      assert.equal(await mailsTo(house, (to) => to === other), 1, 'a mailbox elsewhere is another one')
    })
  }

  it('A-89: a tagged address is an identity of its own, though it shares the mailbox', async () => {
    const house = await openHouse(open)
    const plain = await house.member('ada@example.org')
    const tagged = await house.member('ada+shop@example.org', otherPassword)
    assert.notEqual(plain.accountId, tagged.accountId)
    const crossed = await house
      .browser()
      .post('/auth/sign-in', { email: tagged.email, password: plain.password })
    assert.equal(await codeOf(crossed), 'sign_in_failed')
  })
})

onEachEngine('an attempt that the account’s own count refuses', (open) => {
  it('A-83: is none of the network’s: after 130 tries at one account the neighbours still sign in', async () => {
    const house = await openHouse(open)
    const { email } = await house.member('neighbour@example.org')
    await house.member(victim)
    const office = '192.0.2.10'
    for (let at = 0; at < 130; at++)
      assert.equal((await fails(house, victim, office)).status, at < 10 ? 401 : 429, `try ${at}`)
    const answer = await house
      .browser()
      .send('POST', '/auth/sign-in', { json: { email, password: goodPassword }, address: office })
    assert.equal(answer.status, 200)
  })

  it('A-83: leaves the network exactly what it had: the failures that did count still count', async () => {
    const house = await openHouse(open, { policy: { attemptsPerAccount: 2, attemptsPerNetwork: 6 } })
    const office = '192.0.2.11'
    for (let at = 0; at < 20; at++) await fails(house, victim, office)
    for (let at = 0; at < 4; at++)
      assert.equal((await fails(house, `p${at}@example.org`, office)).status, 401, `${at}`)
    const held = await fails(house, 'p9@example.org', office)
    await expectRefused(held, { status: 429, code: 'too_many_attempts' }, 'six in all')
  })

  it('A-83: is none of the account’s where the network is refused: nobody can use an account up from there', async () => {
    const house = await openHouse(open, { policy: { attemptsPerAccount: 3, attemptsPerNetwork: 3 } })
    const office = '192.0.2.12'
    for (let at = 0; at < 3; at++) await fails(house, `p${at}@example.org`, office)
    for (let at = 0; at < 10; at++) assert.equal((await fails(house, victim, office)).status, 429)
    for (let at = 0; at < 3; at++)
      assert.equal((await fails(house, victim, '192.0.2.13')).status, 401, `${at}`)
  })
})
