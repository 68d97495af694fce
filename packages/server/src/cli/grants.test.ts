import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dataFolder, run, startServer } from '../testing/command.ts'

const password = 'a long walk by the quiet river'

test('grants list shows what workers may do for people, and grants withdraw ends one while the server runs', async (t) => {
  const data = dataFolder()
  const { origin, stop } = await startServer(data)
  t.after(stop)
  const { issuer } = await (await fetch(`${origin}/.well-known/oauth-authorization-server`)).json()
  const send = async (path: string, body: object, headers = {}) =>
    (
      await fetch(origin + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      })
    ).json()
  await send('/auth/sign-up', { email: 'ada@example.org', password })
  const mails = await (await fetch(`${origin}/dev/mail`, { headers: { accept: 'application/json' } })).json()
  const token = /token=([\w-]+)/.exec(mails[0].text)?.[1]
  const { access_token } = await send('/auth/verify-email', { token, password, carrier: 'token' })
  const added = await run(['clients', 'add', 'night job', '--scope', 'read', '--data', data, '--json'])
  const { client_id, client_secret } = JSON.parse(added.out)
  const authorization = `Bearer ${access_token}`
  const terms = { client_id, scope: 'read', audience: issuer, expires_in: 3600, purpose: 'Tidy up' }
  const { id } = await send('/auth/grants', terms, { authorization })
  const list = async () => JSON.parse((await run(['grants', 'list', '--data', data, '--json'])).out).grants
  const [row] = await list()
  assert.deepEqual([row.id, row.email, row.worker, row.scope], [id, 'ada@example.org', 'night job', 'read'])
  const exchange = async () => {
    const form = {
      ...{ grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange', subject_token: id },
      subject_token_type: 'urn:counterfoil:token-type:grant',
    }
    const basic = `Basic ${Buffer.from(`${client_id}:${client_secret}`).toString('base64')}`
    const answer = await fetch(`${origin}/oauth/token`, {
      method: 'POST',
      headers: { authorization: basic },
      body: new URLSearchParams(form),
    })
    return answer.json()
  }
  const { access_token: acting } = await exchange()
  const seen = async () =>
    (await fetch(`${origin}/auth/session`, { headers: { authorization: `Bearer ${acting}` } })).status
  assert.equal(await seen(), 200)
  assert.equal((await run(['grants', 'withdraw', id, '--data', data])).code, 0)
  assert.equal(await seen(), 401)
  assert.equal((await exchange()).code, 'grant_withdrawn')
  assert.deepEqual(await list(), [])
  const again = await run(['grants', 'withdraw', id, '--data', data])
  assert.equal(again.code, 1)
  assert.match(again.err, /grants list/)
})
