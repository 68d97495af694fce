import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPeers } from './peers.ts'

const home = 'https://auth.example'
const api = 'https://api.example'
const device = 1_000_000_000_000
const date = (seconds: number) => new Headers({ date: new Date(seconds * 1000).toUTCString() })

test('until a server was heard, its time is the device’s', () => {
  assert.equal(createPeers(home, () => device).now(home), device / 1000)
})

test('a device whose clock is hours off goes by the server’s, and goes on by its own pace', () => {
  let now = device
  const peers = createPeers(home, () => now)
  peers.hear(home, date(device / 1000 + 7200))
  now += 90_000
  assert.equal(peers.now(home), device / 1000 + 7290)
})

test('a server that does not tell its time is taken to have the home server’s, one that does its own', () => {
  const peers = createPeers(home, () => device)
  peers.hear(home, date(device / 1000 - 500))
  peers.hear(api, new Headers())
  assert.equal(peers.now(api), device / 1000 - 500)
  peers.hear(api, date(device / 1000 + 30))
  assert.deepEqual([peers.now(api), peers.now(home)], [device / 1000 + 30, device / 1000 - 500])
})

test('what is no date changes nothing', () => {
  const peers = createPeers(home, () => device)
  peers.tell(home, 5)
  for (const text of ['', 'yesterday', 'NaN']) peers.hear(home, new Headers({ date: text }))
  peers.tell(home, Number.NaN)
  assert.equal(peers.now(home), 5)
})

test('a nonce is for the server that gave it, and the newest counts', () => {
  const peers = createPeers(home, () => device)
  peers.hear(home, new Headers({ 'dpop-nonce': 'one' }))
  peers.hear(home, new Headers({ 'dpop-nonce': 'two' }))
  peers.hear(home, new Headers())
  assert.deepEqual([peers.nonce(home), peers.nonce(api)], ['two', undefined])
})

test('what another tab found counts until the server itself was heard', () => {
  const peers = createPeers(home, () => device)
  peers.suppose(5000)
  assert.equal(peers.now(home), device / 1000 + 5)
  peers.hear(home, date(device / 1000))
  peers.suppose(5000)
  assert.deepEqual([peers.now(home), peers.ahead()], [device / 1000, 0])
})
