import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { dataFolder, run } from '../testing/command.ts'

test('a key pair: the private half in a file of its owner, never over another one, the public half to be registered', async () => {
  const data = dataFolder()
  const file = join(data, 'worker.json')
  const made = await run(['clients', 'keypair', file])
  assert.equal(made.code, 0, made.err)
  const secret = JSON.parse(readFileSync(file, 'utf8'))
  assert.equal(statSync(file).mode & 0o777, 0o600)
  const { keys } = JSON.parse(made.out)
  const { d, ...rest } = secret
  assert.equal(typeof d, 'string')
  assert.deepEqual(keys, [{ ...rest, use: 'sig' }])
  assert.ok(!made.out.includes(d))

  const again = await run(['clients', 'keypair', file])
  assert.deepEqual([again.code, again.out], [1, ''])
  assert.match(again.err, /is there already/)
  assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), secret)
  const lost = await run(['clients', 'keypair', join(data, 'nowhere', 'worker.json')])
  assert.match(lost.err, /cannot be written \(ENOENT\)/)

  writeFileSync(join(data, 'public.json'), made.out)
  await run(['init', '--data', data])
  await run(['migrate', '--data', data])
  const flags = ['--auth', 'private_key_jwt', '--jwks', join(data, 'public.json'), '--data', data]
  const added = await run(['clients', 'add', 'statements', ...flags, '--json'])
  assert.equal(added.code, 0, added.err)
})
