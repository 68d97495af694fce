import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { it } from 'node:test'
import { sessionCookieName as name } from '@counterfoil/verifier'
import { type Agent, onEachEngine, openHouse } from 'counterfoil/house'
import { everyAttackIsReal } from './at-textbook.ts'
import { faceOf, kindsOf } from './evidence.ts'
import { numbersAreGuessed } from './sessions-at-textbook.ts'

const cookieOf = (agent: Agent) => agent.cookies.get(name) ?? ''
const carrying = (value: string) => ({ cookie: `${name}=${value}` })

onEachEngine('guessed sessions', (open) => {
  it('A-26: a million guesses find nothing, ask the store nothing, and all look the same', async () => {
    await numbersAreGuessed('A-26')
    const home = await openHouse(open)
    const { browser } = await home.member()
    const real = cookieOf(browser)
    home.statements.length = 0
    for (let round = 0; round < 1000; round++) {
      const bytes = randomBytes(48 * 1000)
      for (let at = 0; at < bytes.length; at += 48) {
        const value = bytes.subarray(at, at + 48).toString('base64url')
        const caller = await home.house.carriers.identify(
          { kind: 'cookie', value },
          { isPassive: () => false },
        )
        assert.equal(caller, null)
      }
      assert.deepEqual(home.statements, [])
    }

    const flipped = (at: number) => real.slice(0, at) + (real[at] === 'A' ? 'B' : 'A') + real.slice(at + 1)
    // One that a leaked tag key would make: well formed, and unknown to the store.
    const elsewhere = await openHouse(open)
    const unknown = cookieOf((await elsewhere.member()).browser)
    const guesses = [
      randomBytes(48).toString('base64url'),
      flipped(0),
      flipped(40),
      flipped(63),
      unknown,
      'x',
      real.slice(1),
    ]
    const faces = await Promise.all(
      guesses.map(async (value) => faceOf(await home.program().get('/auth/session', carrying(value)))),
    )
    for (const face of faces) assert.deepEqual(face, faces[0])
    assert.equal(faces[0]?.status, 401)

    // What the store is asked is one look-up by hash, so its answer cannot tell how near a guess was.
    home.statements.length = 0
    const statusOf = async (value: string) =>
      (await home.program().get('/auth/session', carrying(value))).status
    assert.equal(await statusOf(unknown), 401)
    assert.deepEqual(kindsOf(home.statements), { 'select session': 1 })
    assert.equal(await statusOf(real), 200)
  })
})

everyAttackIsReal('guesses.long.test.ts')
