import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Refusal } from '@counterfoil/verifier'
import fc from 'fast-check'
import { fuzz } from '../testing/fuzz.ts'
import { readBody } from './body.ts'
import type { RouteKind } from './route.ts'

const json = 'application/json'
const form = 'application/x-www-form-urlencoded'

type Sent = {
  kind: RouteKind
  body: string | Uint8Array
  type?: string
  headers?: Record<string, string>
  /** As every server of HTTP tells the length of a body that does not come in chunks. */
  isAnnounced?: boolean
}

function read(sent: Sent): Promise<Readonly<Record<string, unknown>>> {
  const { kind, body, type, headers = {}, isAnnounced = false } = sent
  const content = type ?? (kind === 'api' ? json : form)
  const length = isAnnounced ? { 'content-length': String(Buffer.byteLength(body)) } : {}
  const init = { body: body as BodyInit, headers: { 'content-type': content, ...length, ...headers } }
  return readBody(new Request('https://own.example/', { method: 'POST', ...init }), kind)
}

const refusedAs = (code: string) => (error: unknown) => error instanceof Refusal && error.code === code

for (const [kind, type] of [
  ['api', json],
  ['api', 'application/json; charset=utf-8'],
  ['api', ' Application/JSON ;x=y'],
] as const) {
  test(`an API takes a body of type "${type}"`, async () => {
    assert.deepEqual({ ...(await read({ kind, body: '{"a":"b"}', type })) }, { a: 'b' })
  })
}

for (const kind of ['page', 'oauth'] as const) {
  test(`a route for ${kind} takes forms and nothing else`, async () => {
    assert.deepEqual(await read({ kind, body: 'a=b+c&d=%C3%A9' }), { a: 'b c', d: 'é' })
    await assert.rejects(read({ kind, body: '{"a":"b"}', type: json }), refusedAs('media_type_wrong'))
  })
}

for (const type of [
  '',
  'text/plain',
  form,
  'multipart/form-data; boundary=x',
  'application/jsonx',
  'text/json',
  'application/json, text/plain',
  'application/problem+json',
]) {
  test(`an API does not take a body of type "${type}", whatever is in it`, async () => {
    await assert.rejects(read({ kind: 'api', body: '{"a":"b"}', type }), refusedAs('media_type_wrong'))
  })
}

test('a compressed body is not taken, so that a small one cannot become a large one', async () => {
  for (const encoding of ['gzip', 'br', 'identity']) {
    const headers = { 'content-encoding': encoding }
    await assert.rejects(read({ kind: 'api', body: '{}', headers }), refusedAs('media_type_wrong'))
  }
})

test('32 KiB are taken and one byte more is not, said or unsaid', async () => {
  const filled = (size: number) => `{"a":"${'x'.repeat(size - 8)}"}`
  assert.equal(filled(32_768).length, 32_768)
  assert.ok(await read({ kind: 'api', body: filled(32_768) }))
  assert.ok(await read({ kind: 'api', body: filled(32_768), isAnnounced: true }))
  await assert.rejects(read({ kind: 'api', body: filled(32_769) }), refusedAs('input_too_large'))
  await assert.rejects(read({ kind: 'page', body: `a=${'x'.repeat(32_767)}` }), refusedAs('input_too_large'))
  const headers = { 'content-length': '32769' }
  await assert.rejects(read({ kind: 'api', body: '{}', headers }), refusedAs('input_too_large'))
  const understated = { kind: 'api', body: filled(32_769), headers: { 'content-length': '2' } } as const
  await assert.rejects(read(understated), refusedAs('input_too_large'))
})

test('a body that breaks off is refused, whether its length was announced or not', async () => {
  for (const headers of [{}, { 'content-length': '10' }]) {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new Uint8Array([0x7b]))
      },
      pull(controller) {
        controller.error(new Error('the client has left'))
      },
    })
    const init = {
      method: 'POST',
      body,
      duplex: 'half',
      headers: { 'content-type': json, ...headers },
    } as const
    await assert.rejects(
      readBody(new Request('https://own.example/', init), 'api'),
      refusedAs('input_invalid'),
    )
  }
})

test('a body without end is left in the middle', async () => {
  let sent = 0
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      sent += 1024
      controller.enqueue(new Uint8Array(1024).fill(0x20))
    },
  })
  const init = { method: 'POST', body, duplex: 'half', headers: { 'content-type': json } } as const
  await assert.rejects(
    readBody(new Request('https://own.example/', init), 'api'),
    refusedAs('input_too_large'),
  )
  assert.ok(sent < 64 * 1024, `${sent} bytes were taken`)
})

for (const [what, body] of [
  ['nothing', ''],
  ['no JSON', 'a=b'],
  ['a list', '[]'],
  ['text', '"a"'],
  ['a member named twice', '{"a":1,"a":2}'],
  ['a byte order mark', '\ufeff{}'],
  ['something after', '{}x'],
  ['half a surrogate pair', '{"a":"\\ud800"}'],
  ['bytes that are not UTF-8', new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
] as const) {
  test(`a JSON body with ${what} is refused`, () =>
    assert.rejects(read({ kind: 'api', body }), refusedAs('input_invalid')))
}

for (const [what, body] of [
  ['a field sent twice', 'a=1&a=2'],
  ['a field sent twice, once escaped', 'a=1&%61=2'],
  ['51 fields', Array.from({ length: 51 }, (_, at) => `f${at}=`).join('&')],
  ['bytes that are not UTF-8', new Uint8Array([0x61, 0x3d, 0xff])],
] as const) {
  test(`a form with ${what} is refused`, () =>
    assert.rejects(read({ kind: 'page', body }), refusedAs('input_invalid')))
}

test('names of Object.prototype are only names, in JSON and in forms', async () => {
  const fromJson = await read({ kind: 'api', body: '{"__proto__":{"admin":true},"constructor":1}' })
  const fromForm = await read({ kind: 'page', body: '__proto__=x&constructor=1' })
  for (const found of [fromJson, fromForm]) {
    assert.ok(Object.hasOwn(found, '__proto__'))
    assert.equal(found.admin, undefined)
    assert.equal('admin' in {}, false)
  }
})

test('any bytes are one object of data, or a refusal that is ours', (t) => {
  const text = fc.string({
    unit: fc.constantFrom(...'{}[]":,=&%+a1\\u \ud83d\ude00\0'.split('')),
    maxLength: 60,
  })
  const inputs = fc.record({
    kind: fc.constantFrom<RouteKind>('api', 'page', 'oauth'),
    isAnnounced: fc.boolean(),
    body: fc.oneof(
      text,
      fc.uint8Array({ maxLength: 60 }),
      fc.dictionary(fc.string(), fc.jsonValue()).map((value) => JSON.stringify(value)),
      fc.dictionary(fc.string(), fc.string()).map((value) => new URLSearchParams(value).toString()),
    ),
  })
  let accepted = 0
  return fuzz(t, { inputs }, async ({ kind, body, isAnnounced }) => {
    let found: Readonly<Record<string, unknown>>
    try {
      found = await read({ kind, body, isAnnounced })
    } catch (error) {
      assert.ok(error instanceof Refusal && error.code === 'input_invalid', String(error))
      return
    }
    accepted += 1
    const sent = typeof body === 'string' ? body : new TextDecoder().decode(body)
    const expected = kind === 'api' ? JSON.parse(sent) : Object.fromEntries(new URLSearchParams(sent))
    assert.equal(JSON.stringify(found), JSON.stringify(expected))
  }).then(() => assert.ok(accepted > 500, `${accepted} were accepted`))
})
