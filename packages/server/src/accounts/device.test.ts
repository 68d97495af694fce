import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestMachine } from '../testing/machine.ts'
import { knownDevice, rememberDevice } from './device.ts'

const machine = await createTestMachine()
const { secrets } = machine
const one = { accountId: 'account-1', accountEnd: 3 }
const another = { accountId: 'account-2', accountEnd: 3 }
// Everything of the account has ended since, by a new password for instance.
const later = { accountId: 'account-1', accountEnd: 4 }

test('a device that was remembered is known to its account, by one name, to no other account, and to none after its password changed', () => {
  const sealed = rememberDevice(machine, one)
  const name = knownDevice(secrets, sealed, one)
  assert.ok(name !== null)
  assert.equal(knownDevice(secrets, sealed, one), name)
  assert.equal(knownDevice(secrets, sealed, another), null)
  assert.equal(knownDevice(secrets, sealed, later), null)
})

test('once everything of the account has ended, its devices are strangers', () => {
  const sealed = rememberDevice(machine, one)
  assert.equal(knownDevice(secrets, sealed, { ...one, accountEnd: 4 }), null)
  assert.equal(knownDevice(secrets, sealed, { accountId: 'account-', accountEnd: 13 }), null)
  assert.notEqual(knownDevice(secrets, sealed, { ...one }), null)
})

test('two devices of one account have two names', () => {
  const [first, second] = [rememberDevice(machine, one), rememberDevice(machine, one)]
  assert.notEqual(first, second)
  assert.notEqual(knownDevice(secrets, first, one), knownDevice(secrets, second, one))
})

test('what the browser keeps names nobody: the account id is not in it', () => {
  const sealed = rememberDevice(machine, one)
  assert.ok(!Buffer.from(sealed, 'base64url').toString('latin1').includes(one.accountId))
})

test('a device cookie with any bit changed, cut, lengthened or of another server is unknown', async () => {
  const sealed = rememberDevice(machine, one)
  const bytes = Buffer.from(sealed, 'base64url')
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = Buffer.from(bytes)
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    assert.equal(knownDevice(secrets, changed.toString('base64url'), one), null, `bit ${bit}`)
  }
  const other = await createTestMachine({ rootSecret: new Uint8Array(32).fill(9) })
  for (const wrong of [null, '', sealed.slice(0, -1), `${sealed}A`, `${sealed}=`, rememberDevice(other, one)])
    assert.equal(knownDevice(secrets, wrong, one), null)
  assert.notEqual(knownDevice(secrets, sealed, one), null)
})

test('a value that was sealed for another purpose is no device', () => {
  for (const purpose of ['cookie', 'sign_up', 'refresh_tag'] as const)
    assert.equal(knownDevice(secrets, secrets.seal(purpose, new Uint8Array(32)), one), null)
})
