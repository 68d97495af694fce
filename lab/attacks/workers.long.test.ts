import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Refusal } from '@counterfoil/verifier'
import { createWorker, isEndOfGrant } from '@counterfoil/verifier/worker'
import { keyHolder, run } from 'counterfoil/house'
import { email, openWorkerScene } from './worker-scene.ts'

const scene = await openWorkerScene()
const job = await scene.addWorker('statements')
const other = await scene.addWorker('other')

/** Where a browser would go: Node's resolver does not know these names. */
const here = (address: string) => {
  const url = new URL(address)
  url.hostname = '127.0.0.1'
  return url.href
}

/** Accepted, or the code of the refusal, whoever gives it. */
async function outcome(work: () => Promise<Response | string>): Promise<string> {
  try {
    const found = await work()
    if (typeof found === 'string' || found.ok) return 'accepted'
    const { code, error } = (await found.json()) as { code?: string; error?: string }
    return code ?? error ?? String(found.status)
  } catch (error) {
    if (error instanceof Refusal) return error.code
    throw error
  }
}

describe('a worker, its services and whoever is after them', { concurrency: false }, () => {
  test('A-111 a queue that leaked is worth nothing: no row of it gets a token or an answer without the worker’s key', async () => {
    const rows = [(await scene.give(job)).id, (await scene.give(job)).id]
    const address = `${scene.statements.origin}/statement`
    const thief = await createWorker({ issuer: scene.issuer, client: { id: job.id, key: other.key } })
    for (const id of rows) {
      assert.equal(await outcome(() => thief.actFor(id).token()), 'client_invalid')
      assert.equal(await outcome(() => other.worker.actFor(id).token()), 'grant_unknown')
      for (const scheme of ['Bearer', 'DPoP']) {
        const headers = { authorization: `${scheme} ${id}` }
        const code = await outcome(() => fetch(here(address), { headers }))
        assert.ok(['credential_invalid', 'proof_invalid'].includes(code), code)
      }
      const form = new URLSearchParams({
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        ...{ subject_token: id, subject_token_type: 'urn:counterfoil:token-type:grant', client_id: job.id },
      })
      const exchange = `${scene.issuer}/oauth/token`
      assert.equal(
        await outcome(() => fetch(here(exchange), { method: 'POST', body: form })),
        'client_invalid',
      )
    }
    assert.deepEqual(scene.statements.done, [])
    // The same rows, with the key.
    const resource = scene.statements.origin
    for (const id of rows)
      assert.equal(await outcome(() => job.worker.actFor(id, { resource }).fetch(address)), 'accepted')
    assert.equal(scene.statements.done.length, 2)
  })

  test('A-111 a token that was copied out of the worker is worth nothing without the key of that process', async () => {
    const { id } = await scene.give(job)
    const { origin } = scene.statements
    const acting = job.worker.actFor(id, { resource: origin })
    const token = await acting.token()
    const url = `${origin}/statement`
    const shown = await acting.headers('GET', url)
    const now = Math.floor(Date.now() / 1000)
    const ofThief = keyHolder().proof({ method: 'GET', url, token, now })
    const attempts: [headers: Record<string, string>, code: string][] = [
      [{ authorization: `Bearer ${token}` }, 'credential_invalid'],
      [{ authorization: `DPoP ${token}` }, 'proof_invalid'],
      [{ authorization: `DPoP ${token}`, dpop: ofThief }, 'proof_invalid'],
      [shown, 'accepted'],
      // What was overheard.
      [shown, 'proof_invalid'],
    ]
    for (const [headers, code] of attempts)
      assert.equal(await outcome(() => fetch(here(url), { headers })), code)
  })

  test('A-107 a token is for the one service and the scopes that were granted, and the worker sends it nowhere else', async () => {
    const { id } = await scene.give(job)
    const [statements, payments] = [scene.statements.origin, scene.payments.origin]
    const acting = job.worker.actFor(id, { resource: statements })
    assert.equal(await outcome(() => acting.fetch(`${statements}/correct`)), 'insufficient_scope')
    await assert.rejects(acting.fetch(`${payments}/statement`), /not for http:\/\/payments/)
    // By hand, with a proof that is right for the other service.
    const astray = job.worker.actFor(id, { resource: statements, origin: payments })
    assert.equal(await outcome(() => astray.fetch(`${payments}/statement`)), 'credential_invalid')
    const wider = job.worker.actFor(id, { resource: statements, scope: 'statement.read statement.write' })
    assert.equal(await outcome(() => wider.token()), 'scope_invalid')
    assert.equal(await outcome(() => job.worker.actFor(id, { resource: payments }).token()), 'target_invalid')
    assert.deepEqual(scene.payments.done, [])
  })

  test('A-108 whose authority it is and who uses it are two things, and no token can be made to say otherwise', async () => {
    const { id } = await scene.give(job)
    const { origin } = scene.statements
    const acting = job.worker.actFor(id, { resource: origin })
    const answer = await acting.fetch(`${origin}/statement`)
    const { account, actor, grant } = (await answer.json()) as Record<string, string>
    assert.notEqual(account, job.id)
    assert.deepEqual([actor, grant], [job.id, id])
    // The name of another actor, or of nobody, is under the signature.
    const token = await acting.token()
    const [head = '', body = '', signature = ''] = token.split('.')
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString())
    const { act: _, ...unnamed } = claims
    for (const changed of [
      unnamed,
      { ...claims, act: { sub: other.id } },
      { ...claims, act: { sub: account } },
    ]) {
      const forged = `${head}.${Buffer.from(JSON.stringify(changed)).toString('base64url')}.${signature}`
      const headers = { authorization: `DPoP ${forged}` }
      assert.equal(await outcome(() => fetch(here(`${origin}/statement`), { headers })), 'credential_invalid')
    }
    // A token is no grant: not the job's own, and not for another worker.
    for (const worker of [job.worker, other.worker])
      assert.equal(await outcome(() => worker.actFor(token).token()), 'grant_unknown')
  })

  test('A-109 a service that wants the person refuses the job, and does nothing', async () => {
    const { id } = await scene.give(job)
    const { origin, done } = scene.statements
    const acting = job.worker.actFor(id, { resource: origin })
    const before = done.length
    for (const path of ['/pay', '/password', '/pay-scoped'])
      assert.equal(await outcome(() => acting.fetch(origin + path, { method: 'POST' })), 'presence_required')
    assert.equal(done.length, before)
  })

  test('A-109 at the server a job changes nothing, gives itself nothing and sees no list', async () => {
    const { id } = await scene.give(job, { audience: scene.issuer })
    const acting = job.worker.actFor(id)
    const session = await acting.fetch(`${scene.issuer}/auth/session`)
    const found = (await session.json()) as { session: null; actor: string; grant: string }
    assert.deepEqual([session.status, found.session, found.actor, found.grant], [200, null, job.id, id])
    const json = { 'content-type': 'application/json' }
    const terms = { client_id: job.id, scope: 'statement.read statement.write', audience: scene.issuer }
    const attempts: [method: string, path: string, body: object | null][] = [
      ['POST', '/auth/grants', { ...terms, expires_in: 3600, purpose: 'More' }],
      ['GET', '/auth/grants', null],
      ['DELETE', `/auth/grants/${id}`, null],
      ['GET', '/auth/sessions', null],
      ['POST', '/auth/sessions/end-others', {}],
      ['POST', '/auth/password/change', { current: 'a', new: 'a long walk by another river' }],
      ['POST', '/auth/reauthenticate', { password: 'a' }],
      ['POST', '/auth/token', { audience: scene.statements.origin }],
      ['POST', '/auth/carrier', { carrier: 'cookie' }],
    ]
    for (const [method, path, body] of attempts) {
      const init = body === null ? { method } : { method, headers: json, body: JSON.stringify(body) }
      const code = await outcome(() => acting.fetch(scene.issuer + path, init))
      assert.equal(code, method === 'GET' ? 'presence_required' : 'credential_invalid', `${method} ${path}`)
    }
  })

  test('A-110 once the grant is withdrawn the very next call is refused, and the worker says why and asks no more', async () => {
    const { id, withdraw } = await scene.give(job)
    const { origin, done } = scene.statements
    const acting = job.worker.actFor(id, { resource: origin })
    assert.equal(await outcome(() => acting.fetch(`${origin}/statement`)), 'accepted')
    const before = done.length
    await withdraw()
    await assert.rejects(acting.fetch(`${origin}/statement`), isEndOfGrant)
    assert.equal(acting.ended()?.code, 'grant_withdrawn')
    assert.equal(await outcome(() => acting.token()), 'grant_withdrawn')
    // The row is still in the queue, and whoever takes it next hears the same.
    assert.equal(await outcome(() => job.worker.actFor(id, { resource: origin }).token()), 'grant_withdrawn')
    assert.equal(done.length, before)
  })

  test('A-110 an account that is disabled stops every job that acts for it', async () => {
    const { id } = await scene.give(job)
    const { origin } = scene.statements
    const acting = job.worker.actFor(id, { resource: origin })
    assert.equal(await outcome(() => acting.fetch(`${origin}/statement`)), 'accepted')
    assert.equal((await run(['accounts', 'disable', email, '--data', scene.data])).code, 0)
    // The command waits until the server knows; the service is told of it a moment later.
    let code = 'accepted'
    for (const began = performance.now(); code === 'accepted' && performance.now() - began < 30_000; )
      code = await outcome(() => acting.fetch(`${origin}/statement`))
    assert.equal(code, 'grant_over')
    assert.equal((await run(['accounts', 'enable', email, '--data', scene.data])).code, 0)
    assert.equal(await outcome(() => job.worker.actFor(id).token()), 'grant_over')
  })

  test('a server that is away ends no job: the call fails as one to be repeated, and then goes through', async () => {
    const { id } = await scene.give(job)
    const { origin } = scene.statements
    const acting = job.worker.actFor(id, { resource: origin })
    await scene.server().kill()
    await assert.rejects(acting.fetch(`${origin}/statement`), (error) => {
      assert.ok(error instanceof Refusal)
      assert.deepEqual([error.code, isEndOfGrant(error)], ['server_unavailable', false])
      return true
    })
    assert.equal(acting.ended(), null)
    await scene.startAgain()
    assert.equal(await outcome(() => acting.token()), 'accepted')
  })
})
