import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { readRootSecret, writeRootSecret } from './secret-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'counterfoil-'))
after(() => rmSync(folder, { recursive: true }))

test('what is written is read again, and only its owner can', () => {
  const path = join(folder, 'secret')
  const secret = writeRootSecret(path)
  assert.equal(secret.byteLength, 32)
  assert.deepEqual(readRootSecret(path), secret)
  assert.equal(statSync(path).mode & 0o777, 0o600)
})

test('an existing secret is never overwritten', () => {
  const path = join(folder, 'kept')
  writeRootSecret(path)
  const before = readFileSync(path, 'utf8')
  assert.throws(() => writeRootSecret(path), /exists already/)
  assert.equal(readFileSync(path, 'utf8'), before)
})

test('a secret that others may read is refused with the command that mends it', () => {
  const path = join(folder, 'open')
  writeRootSecret(path)
  for (const mode of [0o640, 0o604, 0o660, 0o601]) {
    chmodSync(path, mode)
    assert.throws(() => readRootSecret(path), { message: new RegExp(`chmod 600 ${path}`) })
  }
  chmodSync(path, 0o400)
  assert.equal(readRootSecret(path).byteLength, 32)
})

test('a missing, empty, short or misspelt secret is refused, and its content is not repeated', () => {
  assert.throws(() => readRootSecret(join(folder, 'missing')), /ENOENT.*counterfoil init/)
  for (const text of [
    '',
    '\n',
    'A'.repeat(42),
    'correct horse battery staple',
    `${'A'.repeat(42)}B`,
    `${'A'.repeat(43)}=`,
  ]) {
    const path = join(folder, 'bad')
    writeFileSync(path, text, { mode: 0o600 })
    assert.throws(
      () => readRootSecret(path),
      (error: Error) => /not one line of base64url/.test(error.message) && !error.message.includes('horse'),
    )
  }
})
