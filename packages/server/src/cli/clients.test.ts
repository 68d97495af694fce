import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { clientKey } from '../testing/client-key.ts'
import { dataFolder, run } from '../testing/command.ts'

async function migrated() {
  const data = dataFolder()
  await run(['init', '--data', data])
  await run(['migrate', '--data', data])
  const clients = (...args: string[]) => run(['clients', ...args, '--data', data, '--json'])
  const file = (name: string, text: string) => {
    writeFileSync(join(data, name), text)
    return join(data, name)
  }
  return { data, clients, file }
}

test('clients are added in each way of proving oneself, listed, rotated and removed, as one JSON object each', async () => {
  const { clients, file } = await migrated()
  const [key, next] = [await clientKey('ES256'), await clientKey('Ed25519')]
  const ask = async (...args: string[]) => {
    const ran = await clients(...args)
    assert.equal(ran.code, 0, ran.err)
    return JSON.parse(ran.out)
  }
  const plain = await ask('add', 'api')
  assert.match(plain.client_secret, /^[\w-]{43}$/)
  const post = await ask('add', 'post', '--auth', 'client_secret_post', '--scope', 'read write')
  assert.match(post.client_secret, /^[\w-]{43}$/)
  const signing = await ask('add', 'job', '--auth', 'private_key_jwt', '--jwks', file('key.json', key.jwks))
  const open = await ask('add', 'app', '--auth', 'none')
  for (const made of [signing, open]) assert.deepEqual(Object.keys(made), ['name', 'auth', 'client_id'])
  const listed: { id: string; auth: string; scope: string | null }[] = (await ask('list')).clients
  assert.deepEqual(
    new Map(listed.map(({ id, auth, scope }) => [id, `${auth} ${scope}`])),
    new Map([
      ['first-party', 'none null'],
      [plain.client_id, 'client_secret_basic null'],
      [post.client_id, 'client_secret_post read write'],
      [signing.client_id, 'private_key_jwt null'],
      [open.client_id, 'none null'],
    ]),
  )
  const rotated = await ask('rotate', plain.client_id)
  assert.equal(rotated.client_id, plain.client_id)
  assert.notEqual(rotated.client_secret, plain.client_secret)
  const keys = await ask('rotate', signing.client_id, '--jwks', file('next.json', JSON.stringify(next.jwk)))
  assert.deepEqual([keys.client_id, keys.client_secret], [signing.client_id, undefined])
  assert.deepEqual(await ask('remove', post.client_id), { id: post.client_id, removed: true })
})

test('what cannot be a client is refused in one line with the remedy, and nothing is made', async () => {
  const { clients, file } = await migrated()
  const { jwks, jwk } = await clientKey()
  const secret = file('private.json', JSON.stringify({ ...jwk, d: 'AAAA' }))
  const { client_id } = JSON.parse((await clients('add', 'api')).out)
  const wrong: [args: string[], why: RegExp][] = [
    [['add', 'x', '--auth', 'client_secret_jwt'], /Give one of client_secret_basic/],
    [['add', 'x', '--auth', 'private_key_jwt'], /needs --jwks FILE/],
    [['add', 'x', '--auth', 'private_key_jwt', '--jwks', secret], /private key/],
    [['add', 'x', '--auth', 'private_key_jwt', '--jwks', '/nowhere.json'], /nowhere/],
    [['add', 'x', '--jwks', file('key.json', jwks)], /is for clients with/],
    [['add', 'x', '--scope', 'two  spaces'], /one space between/],
    [['rotate', 'nobody'], /No client/],
    [['rotate', 'first-party'], /proves nothing/],
    [['rotate', client_id, '--jwks', file('key.json', jwks)], /is for clients with/],
    [['remove', 'first-party'], /No client/],
  ]
  for (const [args, why] of wrong) {
    const ran = await clients(...args)
    assert.equal(ran.code, 1, args.join(' '))
    assert.match(JSON.parse(ran.err).error, why)
  }
  assert.equal(JSON.parse((await clients('list')).out).clients.length, 2)
})
