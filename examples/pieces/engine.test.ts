import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Letter } from 'counterfoil'
import { createAgent } from 'counterfoil/house'
import { engine } from './engine.ts'

test('a program without a framework answers by the engine, and knows who asks', async (t) => {
  const letters: Letter[] = []
  const issuer = 'https://bank.example'
  const { answer, close } = await engine({
    ...{ issuer, database: 'sqlite::memory:', secret: 'a secret of thirty-two bytes or more, for this test' },
    mail: { send: async (letter) => void letters.push(letter) },
  })
  t.after(close)
  const ada = createAgent((request) => answer(request, '127.0.0.1'), { origin: issuer, kind: 'browser' })
  const who = { email: 'ada@example.com', password: 'seven dull green boats' }
  assert.equal((await ada.post('/auth/sign-up', who)).status, 202)
  while (letters.length === 0) await new Promise((resolve) => setImmediate(resolve))
  const token = /token=([\w-]+)/.exec(letters[0]?.text ?? '')?.[1]
  assert.equal((await ada.post('/auth/verify-email', { token })).status, 200)
  assert.equal((await (await ada.get('/notes')).json()).account.email, who.email)
  const forged = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
  await assert.rejects(ada.post('/notes', {}, forged), { code: 'forged_request' })
  ada.cookies.clear()
  await assert.rejects(ada.get('/notes'), { code: 'credential_missing' })
})
