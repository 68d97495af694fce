import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import type { Checks } from './adapter.ts'
import type { Caller } from './caller.ts'
import { refuse } from './refusal.ts'
import { demand } from './required.ts'
import { upgrading } from './upgrades.ts'

const request = { method: 'GET', url: '/live', headers: { upgrade: 'websocket' } }

/** What node hands over: it throws where an error is told and nobody listens. */
function socketOf() {
  const said: string[] = []
  const socket = Object.assign(new EventEmitter(), {
    destroyed: false,
    end(text: string) {
      said.push(text)
      socket.emit('finish')
    },
    destroy() {
      socket.destroyed = true
    },
  })
  return { socket, said }
}

function checksOf(check: () => Caller | null | Promise<Caller | null>): Checks<object> {
  return {
    check,
    demand: (found, requirements = {}) => demand(found, requirements, () => 1000),
    guard: () => undefined,
  }
}
const nobody = checksOf(() => null)
const nobodyLater = checksOf(async () => null)
const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

for (const [when, checks] of [
  ['at once', nobody],
  ['later', nobodyLater],
] as const) {
  test(`a listener that demands somebody of nobody, known ${when}, has it answered on the socket, which closes`, async () => {
    for (const listener of [
      (_: object, __: object, ___: null, caller: Caller | null) => void checks.demand(caller),
      async (_: object, __: object, ___: null, caller: Caller | null) => void checks.demand(caller),
    ]) {
      const { socket, said } = socketOf()
      upgrading(checks)(listener)(request, socket, null)
      await settled()
      const [head = '', body = ''] = said.join('').split('\r\n\r\n')
      assert.match(head, /^HTTP\/1\.1 401 \r\n/)
      assert.match(head, /\r\nconnection: close\r\n/)
      assert.match(head, new RegExp(`\\r\\ncontent-length: ${Buffer.byteLength(body)}(\\r\\n|$)`))
      assert.equal(JSON.parse(body).code, 'credential_missing')
      assert.equal(socket.destroyed, true)
    }
  })
}

test('whoever hangs up while their caller is looked up ends nothing, and no listener hears of them', async () => {
  const { socket, said } = socketOf()
  upgrading(nobodyLater)(() => assert.fail('it was called'))(request, socket, null)
  socket.emit('error', new Error('ECONNRESET'))
  socket.destroy()
  await settled()
  assert.deepEqual(said, [])
})

test('a socket that breaks after its refusal ends nothing', () => {
  const { socket } = socketOf()
  const forged = checksOf(() => refuse('forged_request'))
  upgrading(forged)(() => assert.fail('it was called'))(request, socket, null)
  socket.emit('error', new Error('EPIPE'))
  assert.equal(socket.destroyed, true)
})

test('the listener has the errors of its socket to itself', () => {
  const { socket } = socketOf()
  upgrading(nobody)(() => assert.equal(socket.listenerCount('error'), 0))(request, socket, null)
})

test('what is broken is told as ever, and leaves no socket open', () => {
  const { socket, said } = socketOf()
  const broken = upgrading(nobody)(() => assert.fail('it broke'))
  assert.throws(() => broken(request, socket, null), /it broke/)
  assert.deepEqual([said, socket.destroyed], [[], true])
})
