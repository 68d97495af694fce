import assert from 'node:assert/strict'
import { it } from 'node:test'
import { type Agent, onEachEngine, openHouse, type TestHouse } from '../testing/index.ts'

/** Ids that no session can have. A NUL is what PostgreSQL refuses to hold in a text. */
const malformed: [what: string, id: string][] = [
  ['a NUL', '\u0000'],
  ['a NUL inside of what looks like one', `${'A'.repeat(10)}\u0000${'A'.repeat(11)}`],
  ['nothing', ''],
  ['21 characters', 'A'.repeat(21)],
  ['23 characters', 'A'.repeat(23)],
  ['a line break after one', `${'A'.repeat(22)}\n`],
  ['an escape', '%41'.repeat(22)],
  ['a lone surrogate', '\ud83e'.repeat(22)],
  ['two dots', '..'],
  ['a wildcard', '%'.repeat(22)],
  ['many', 'A'.repeat(4000)],
]

async function sessionIdOf(browser: Agent): Promise<string> {
  return (await (await browser.get('/auth/session')).json()).session.id
}

const nothingBroke = ({ machine }: TestHouse) => assert.deepEqual(machine.errorLines, [])

onEachEngine('an id of a session that cannot be one', (open) => {
  it('is a bad form on the page and nobody in the API, reaches no store and ends nothing', async () => {
    const house = await openHouse(open)
    const { browser } = await house.member()
    house.statements.length = 0
    for (const [what, id] of malformed) {
      const page = await browser.submit('/account/sessions/end', { id })
      assert.equal(page.status, 400, what)
      const wellFormed = id.toWellFormed()
      for (const spelt of [encodeURIComponent(wellFormed), wellFormed.replaceAll('\u0000', '%00')]) {
        const answer = await browser.send('DELETE', `/auth/sessions/${spelt}`)
        assert.ok([400, 404, 405].includes(answer.status), `${what}: ${answer.status}`)
      }
    }
    assert.deepEqual(
      house.statements.filter((statement) => !statement.startsWith('select')),
      [],
      'nothing was written',
    )
    nothingBroke(house)
    assert.equal((await browser.get('/auth/session')).status, 200)
  })

  it('as raw bytes of a form is refused the same', async () => {
    const house = await openHouse(open)
    const { browser } = await house.member()
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    for (const body of ['id=%00', 'id=', 'id', '', 'id=%ff%fe', 'id=a&id=b', '%00=%00', 'id[]=a']) {
      const answer = await browser.send('POST', '/account/sessions/end', { body, headers })
      assert.equal(answer.status, 400, body)
    }
    nothingBroke(house)
  })

  it('differs from a well formed one, which ends the session', async () => {
    const house = await openHouse(open)
    const { browser } = await house.member()
    assert.equal((await browser.submit('/account/sessions/end', { id: 'A'.repeat(22) })).status, 404)
    const id = await sessionIdOf(browser)
    const answer = await browser.submit('/account/sessions/end', { id })
    assert.deepEqual([answer.status, answer.headers.get('location')], [303, '/'])
    assert.equal((await browser.get('/auth/session')).status, 401)
  })
})

onEachEngine('the account page', (open) => {
  it('says what its own names say, and nothing else that an address may ask for', async () => {
    const house = await openHouse(open)
    const { browser } = await house.member()
    const page = async (notice: string | null) => {
      const query = notice === null ? '' : `?notice=${encodeURIComponent(notice)}`
      const answer = await browser.get(`/account${query}`)
      assert.equal(answer.status, 200, `${notice}`)
      return (await answer.text()).replace(/nonce[^\s>]*/g, '')
    }
    const plain = await page(null)
    for (const name of [
      'constructor',
      '__proto__',
      'toString',
      'hasOwnProperty',
      'valueOf',
      '',
      'Ended',
      '<b>ended</b>',
      'ended ',
    ])
      assert.equal(await page(name), plain, name)
    assert.match(await page('ended'), /That device is signed out/)
    assert.notEqual(await page('ended'), plain)
    nothingBroke(house)
  })
})
