import assert from 'node:assert/strict'
import { it } from 'node:test'
import {
  goodPassword,
  type OpenTestDatabase,
  onPostgres,
  onSqlite,
  openHouse,
  otherPassword,
  type TestHouse,
} from '../testing/index.ts'

const address = '192.0.2.1'

type Body = { email: string; password: string; carrier: 'cookie' | 'token' }

/** What a sign-in from somewhere asks of the database, each statement by its first words. */
async function statementsOf(on: TestHouse, body: Body, status: number): Promise<string[]> {
  await on.house.mail.flush()
  on.statements.length = 0
  const agent = body.carrier === 'cookie' ? on.browser() : on.program()
  const answer = await agent.send('POST', '/auth/sign-in', { json: body, address })
  assert.equal(answer.status, status)
  return on.statements.map((statement) => statement.slice(0, 60).replaceAll(/\s+/g, ' '))
}

/** `counted`: the statements that count an attempt by network and account. */
const costs = (counted: number) => (open: OpenTestDatabase) => {
  for (const carrier of ['cookie', 'token'] as const) {
    it(`is no more than this; ${carrier}`, async () => {
      const on = await openHouse(open)
      const { email } = await on.member()
      // The signing keys are known from here on.
      await on.tokens(email)
      const statements = await statementsOf(on, { email, password: goodPassword, carrier }, 200)
      assert.equal(statements.length, 7 + 2 * counted, statements.join('\n'))
    })

    it(`is the same where it fails, whether there is such an account or not; ${carrier}`, async () => {
      const on = await openHouse(open)
      const { email } = await on.member()
      const known = await statementsOf(on, { email, password: otherPassword, carrier }, 401)
      const unknown = await statementsOf(
        on,
        { email: 'nobody@example.org', password: otherPassword, carrier },
        401,
      )
      assert.equal(known.length, 2 + counted, known.join('\n'))
      assert.deepEqual(unknown, known)
    })
  }
}

const title = 'what a sign-in asks of the database'
onSqlite(title, costs(2))
// A statement may hold others that write.
onPostgres(title, costs(1))
