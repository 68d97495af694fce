import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FeedKind, feedKey } from './feed.ts'
import { Refusal } from './refusal.ts'
import { handHub, issuer } from './testing/hub.ts'
import { es256Key, signToken } from './testing/signed.ts'
import { startVerifier } from './verifier.ts'

async function scene() {
  const hub = handHub()
  hub.answers.keys = { keys: [es256Key.jwk] }
  const client = { id: 'api', secret: 's' }
  const starting = startVerifier({ issuer, audience: issuer, origin: issuer, client }, hub.machine)
  await hub.machine.pass(0)
  const [stream] = hub.connections
  assert.ok(stream)
  hub.hello(stream)
  hub.heartbeat(stream)
  await hub.machine.pass(0)
  let position = 5
  const tell = async (kind: FeedKind, id: string) => {
    const entries = [{ position: ++position, kind, key: feedKey(kind, id), age: 0 }]
    stream.send({ kind: 'revoked', epoch: 1, entries, wantsAck: false })
    await hub.machine.pass(0)
  }
  const grantToken = (claims: Record<string, unknown> = {}) => {
    const iat = Math.floor(hub.machine.now().wall / 1000)
    const times = { iat, exp: iat + 300, auth_time: iat - 3600, as_of: 5 }
    const usual = { iss: issuer, aud: issuer, sid: undefined, client_id: 'worker', scope: 'statement.read' }
    return signToken({ claims: { ...usual, ...times, act: { sub: 'worker' }, grant: 'gra_1', ...claims } })
  }
  return { hub, verifier: await starting, tell, grantToken }
}

async function outcome(work: () => unknown): Promise<string> {
  try {
    await work()
    return 'accepted'
  } catch (error) {
    if (error instanceof Refusal) return error.code
    throw error
  }
}

test("a grant's token shows the user's account, who acts for it, and under which grant, and is of no session", async () => {
  const { verifier, grantToken } = await scene()
  for (const token of [grantToken(), grantToken({ sid: 'ses_1' })]) {
    const { account, session, actor, grant, scopes } = await verifier.verify(token)
    assert.deepEqual(
      { account, session, actor, grant, scopes },
      {
        ...{ account: { id: 'acc_1', email: null }, session: null },
        ...{ actor: 'worker', grant: 'gra_1', scopes: ['statement.read'] },
      },
    )
  }
})

test('whoever acts for the user is not let in where the user has to be, whatever token says it', async () => {
  const { verifier, grantToken } = await scene()
  const fresh = { auth_time: Math.floor(1_800_000_000) }
  const tokens = [grantToken(), grantToken(fresh), grantToken({ sid: 'ses_1', grant: undefined })]
  for (const token of tokens) {
    const caller = await verifier.verify(token)
    for (const requirements of [{ present: true }, { freshWithinSeconds: 1e9 }] as const) {
      const refused = await outcome(() => verifier.demand(caller, requirements))
      assert.equal(refused, 'presence_required')
    }
  }
})

const ends: [what: string, kind: FeedKind, id: string, claims: Record<string, unknown>, code: string][] = [
  ['its grant', 'grant', 'gra_1', {}, 'grant_ended'],
  ['another grant', 'grant', 'gra_2', {}, 'accepted'],
  ['the session that it is to end with', 'session', 'ses_1', { sid: 'ses_1' }, 'grant_ended'],
  ['the session of its user, which it outlives', 'session', 'ses_1', {}, 'accepted'],
  ['all that its account has, though the grant may go on', 'account', 'acc_1', {}, 'session_ended'],
  ['its worker', 'client', 'worker', {}, 'session_ended'],
  ['its signing key', 'key', es256Key.kid, {}, 'session_ended'],
]
for (const [what, kind, id, claims, code] of ends) {
  test(`a grant's token that was taken before the end of ${what}: ${code}`, async () => {
    const { verifier, tell, grantToken } = await scene()
    const token = grantToken(claims)
    assert.equal(await outcome(() => verifier.verify(token)), 'accepted')
    await tell(kind, id)
    assert.equal(await outcome(() => verifier.verify(token)), code)
    assert.equal(await outcome(() => verifier.verify(grantToken({ ...claims, jti: 'tok_2' }))), code)
  })
}
