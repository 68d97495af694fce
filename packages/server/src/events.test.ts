import assert from 'node:assert/strict'
import { argon2Sync } from 'node:crypto'
import { it } from 'node:test'
import type { Adopt } from './contract.ts'
import { type EventKind, eventKinds } from './events.ts'
import {
  callChain,
  giveGrant,
  goodPassword,
  keyHolder,
  ledgerApi,
  onEachEngine,
  openHouse,
  ordersApi,
  otherPassword,
  serviceAt,
  signInBound,
  type TestHouse,
  tokenFor,
  workerAt,
} from './testing/index.ts'
import { readRefreshToken, writeRefreshToken } from './tokens/refresh-token.ts'

const thirdPassword = 'eleven amber lanterns on the pier'

function kindsIn({ db }: TestHouse): Promise<{ kind: string; outcome: string; detail: string | null }[]> {
  return db.selectFrom('event').select(['kind', 'outcome', 'detail']).orderBy('at').execute()
}

const refresh = (house: TestHouse, refresh_token: string) =>
  house.program().send('POST', '/oauth/token', { form: { grant_type: 'refresh_token', refresh_token } })

/** A refresh token of a generation that the database does not know: what is left after a backup was restored. */
function fromTheFuture({ machine }: TestHouse, token: string): string {
  const read = readRefreshToken(machine.secrets, token)
  assert.ok(read)
  return writeRefreshToken(machine.secrets, { ...read, generation: read.generation + 5 })
}

function hashOfYearsAgo(password: string): string {
  const nonce = Buffer.alloc(16, 3)
  const cost = { parallelism: 1, tagLength: 32, memory: 1024, passes: 1 }
  const tag = argon2Sync('argon2id', { message: password, nonce, ...cost })
  const text = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '')
  return `$argon2id$v=19$m=1024,t=1,p=1$${text(nonce)}$${text(tag)}`
}

async function handOn(house: TestHouse, browser: Owner['browser'], audience: string): Promise<unknown> {
  const holder = keyHolder()
  const orders = await serviceAt(house, { id: 'orders', holder })
  return orders.exchange(await tokenFor(house, { browser, holder }, audience), { resource: ledgerApi })
}

type Owner = Awaited<ReturnType<TestHouse['member']>>

/** What another system handed out, as this application reads it. */
const shown = (credential: string, accountId: string) => ({
  json: { carrier: 'token' },
  headers: { authorization: `Old ${credential} ${accountId}` },
})
const adopt: Adopt = ({ headers }) => {
  const [, credential = '', account = ''] = /^Old (.*) (\S+)$/.exec(headers.get('authorization') ?? '') ?? []
  return { account, credential, expiresAt: credential === 'good' ? 4_000_000_000 : 1 }
}

/** For each kind, an act that must be on record afterwards. */
const acts: Readonly<Record<EventKind, (house: TestHouse, owner: Owner) => Promise<unknown>>> = {
  account_disabled: ({ house }, { accountId }) => house.accounts.disable(accountId),
  async account_enabled({ house }, { accountId }) {
    await house.accounts.disable(accountId)
    await house.accounts.enable(accountId)
  },
  account_imported({ db, house }) {
    const row = { id: 'u1', email: 'imported@example.org', isVerified: true, isDisabled: false }
    const rules = { unproven: 'reset', isDryRun: false } as const
    return house.importing(rules).take(db, [{ ...row, hash: null, createdAt: null }])
  },
  adoption_refused: (house, { accountId }) =>
    house.program().send('POST', '/auth/adopt', shown('used up', accountId)),
  session_adopted: (house, { accountId }) =>
    house.program().send('POST', '/auth/adopt', shown('good', accountId)),
  carrier_changed: (_, { browser, password }) =>
    browser.post('/auth/carrier', { carrier: 'token', password }),
  client_added: ({ house }) => house.clients.add('api'),
  async client_removed({ house }) {
    const { client_id } = await house.clients.add('api')
    await house.clients.remove(client_id)
  },
  async client_rotated({ house }) {
    const { client_id } = await house.clients.add('api')
    await house.clients.rotateSecret(client_id)
  },
  email_verified: (house) => house.member('new@example.org'),
  async grant_exchanged(house, { browser }) {
    const worker = await workerAt(house)
    await worker.exchange(await giveGrant(browser, worker.terms()))
  },
  async grant_given(house, { browser }) {
    await giveGrant(browser, (await workerAt(house)).terms())
  },
  async grant_misused(house, { browser }) {
    const id = await giveGrant(browser, (await workerAt(house)).terms())
    await (await workerAt(house)).exchange(id)
  },
  async grant_withdrawn(house, { browser }) {
    const id = await giveGrant(browser, (await workerAt(house)).terms())
    await browser.send('DELETE', `/auth/grants/${id}`)
  },
  async limit_reached(house, { email }) {
    const wrong = { email, password: otherPassword }
    for (let round = 0; round < 10; round++) await house.browser().post('/auth/sign-in', wrong)
  },
  password_change_failed: (_, { browser }) =>
    browser.post('/auth/password/change', { current: otherPassword, new: thirdPassword }),
  password_changed: (_, { browser }) =>
    browser.post('/auth/password/change', { current: goodPassword, new: thirdPassword }),
  async password_reset(house, { browser, email }) {
    await browser.post('/auth/password/forgot', { email })
    const token = await house.linkFor(email, 'reset')
    await browser.post('/auth/password/reset', { token, password: otherPassword })
  },
  password_reset_requested: (_, { browser }) =>
    browser.post('/auth/password/forgot', { email: 'nobody@example.org' }),
  async password_upgraded(house, { email, accountId }) {
    const hash = hashOfYearsAgo(goodPassword)
    await house.db.updateTable('password').set({ hash }).where('account_id', '=', accountId).execute()
    await house.tokens(email)
  },
  reauthenticated: (_, { browser }) => browser.post('/auth/reauthenticate', { password: goodPassword }),
  reauthentication_failed: (_, { browser }) =>
    browser.post('/auth/reauthenticate', { password: otherPassword }),
  async refresh_from_the_future(house, { email }) {
    await refresh(house, fromTheFuture(house, (await house.tokens(email)).refresh_token))
  },
  async refresh_repeats_exhausted(house, { email }) {
    const { refresh_token } = await house.tokens(email)
    for (let round = 0; round < 7; round++) await refresh(house, refresh_token)
  },
  async refresh_reused(house, { email }) {
    const { refresh_token } = await house.tokens(email)
    await refresh(house, refresh_token)
    house.machine.clock.advance(31)
    await refresh(house, refresh_token)
  },
  async refresh_unproven(house, { email, password }) {
    const { refresh_token } = await signInBound(house, keyHolder(), { email, password })
    await refresh(house, refresh_token)
  },
  session_began: (house, { email }) => house.tokens(email),
  session_ended: (_, { browser }) => browser.post('/auth/sign-out'),
  async sessions_ended(house, { browser, email }) {
    await house.tokens(email)
    await browser.post('/auth/sessions/end-others')
  },
  sign_in_failed: (house, { email }) =>
    house.browser().post('/auth/sign-in', { email, password: otherPassword }),
  sign_up_requested: (house) =>
    house.browser().post('/auth/sign-up', { email: 'new@example.org', password: goodPassword }),
  signing_key_revoked: ({ house }) => house.keys.rotate('compromised'),
  signing_key_rotated: ({ house }) => house.keys.rotate('now'),
  token_exchanged: (house, { browser }) => handOn(house, browser, ordersApi),
  token_misused: (house, { browser }) => handOn(house, browser, ledgerApi),
}

const refused: readonly EventKind[] = [
  'adoption_refused',
  'grant_misused',
  'limit_reached',
  'password_change_failed',
  'reauthentication_failed',
  'refresh_from_the_future',
  'refresh_repeats_exhausted',
  'refresh_reused',
  'refresh_unproven',
  'sign_in_failed',
  'token_misused',
]

onEachEngine('events', (open) => {
  it('are on record for every kind of act that the list names, without a secret or anything that was typed', async () => {
    for (const kind of eventKinds) {
      const house = await openHouse(open, { policy: callChain, adopt })
      const owner = await house.member()
      await house.db.deleteFrom('event').execute()
      await acts[kind](house, owner)
      const found = (await kindsIn(house)).filter((event) => event.kind === kind)
      assert.ok(found.length > 0, kind)
      const outcome = refused.includes(kind) ? 'refused' : 'done'
      for (const event of found) assert.equal(event.outcome, outcome, kind)
      const rows = JSON.stringify(await house.db.selectFrom('event').selectAll().execute())
      for (const typed of [goodPassword, otherPassword, thirdPassword, 'example.org', 'cfr_', 'argon2'])
        assert.ok(!rows.includes(typed), `${kind}: ${typed}`)
    }
  })

  it('say nothing of what came to nothing: an act that is rolled back leaves none', async () => {
    const house = await openHouse(open)
    const { browser, email } = await house.member()
    await browser.post('/auth/password/forgot', { email })
    const token = await house.linkFor(email, 'reset')
    const passwords = [otherPassword, thirdPassword]
    await Promise.all(passwords.map((password) => browser.post('/auth/password/reset', { token, password })))
    const found = (await kindsIn(house)).filter(({ kind }) => kind === 'password_reset')
    assert.equal(found.length, 1)
  })
})
