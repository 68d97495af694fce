import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isJsonObject, parseClaims, parseJsonObject } from './json.ts'
import { fuzz } from './testing/fuzz.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const nested = (depth: number) => `${'{"a":'.repeat(depth - 1)}{}${'}'.repeat(depth - 1)}`
const nestedArrays = (depth: number) => `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`
const members = (count: number) => `{${Array.from({ length: count }, (_, at) => `"m${at}":0`).join()}}`
const elements = (count: number) => `{"a":[${Array.from({ length: count }, () => '0').join()}]}`

const taken: [what: string, text: string][] = [
  ['an empty object', '{}'],
  ['white space everywhere', ' \t\r\n{ "a" : [ 1 , 2 ] , "b" : { } } \n'],
  ['every kind of value', '{"a":null,"b":true,"c":false,"d":-1.5e2,"e":"x","f":[],"g":{}}'],
  ['every escape', '{"a":"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9"}'],
  ['an escaped surrogate pair', '{"a":"\\ud83d\\ude00"}'],
  ['an astral character as it is', '{"a":"😀"}'],
  ['a byte order mark inside a string', '{"a":"\ufeff"}'],
  ['one name in two objects', '{"a":{"a":1}}'],
  ['names that differ in case', '{"a":1,"A":2}'],
  ['an empty name', '{"":1}'],
  ['zero, and minus zero', '{"a":0,"b":-0}'],
  ['the largest double', '{"a":1.7976931348623157e308}'],
  ['16 objects inside one another', nested(16)],
  ['16 containers inside one another', nestedArrays(16)],
  ['1,000 members', members(1000)],
  ['999 elements and their array', elements(999)],
]
for (const [what, text] of taken) {
  test(`${what}: read as JSON.parse reads it, from text and from bytes`, () => {
    const expected = JSON.stringify(JSON.parse(text))
    assert.equal(JSON.stringify(parseJsonObject(text)), expected)
    assert.equal(JSON.stringify(parseJsonObject(bytes(text))), expected)
  })
}

const refused: [what: string, input: string | Uint8Array][] = [
  ['nothing', ''],
  ['white space only', ' '],
  ['an array on top', '[]'],
  ['a string on top', '"a"'],
  ['null on top', 'null'],
  ['a member named twice', '{"alg":"ES256","alg":"none"}'],
  ['a member named twice, once escaped', '{"alg":"ES256","\\u0061lg":"none"}'],
  ['__proto__ named twice', '{"__proto__":1,"__proto__":2}'],
  ['a member named twice, deep inside', '{"a":[{"b":{"c":1,"c":1}}]}'],
  ['a trailing comma', '{"a":1,}'],
  ['a leading comma', '{,"a":1}'],
  ['a trailing comma in an array', '{"a":[1,]}'],
  ['two objects', '{}{}'],
  ['something after the object', '{} x'],
  ['a NUL after the object', '{}\0'],
  ['an unfinished object', '{"a":1'],
  ['an unfinished array', '{"a":[1'],
  ['an unfinished string', '{"a":"x'],
  ['an unfinished escape', '{"a":"x\\'],
  ['a bare name', '{a:1}'],
  ['single quotes', "{'a':1}"],
  ['a comment', '{/**/}'],
  ['no colon', '{"a" 1}'],
  ['no value', '{"a":}'],
  ['a number over the range', '{"a":1e400}'],
  ['a number under the range', '{"a":-1e400}'],
  ['NaN', '{"a":NaN}'],
  ['Infinity', '{"a":-Infinity}'],
  ['a leading zero', '{"a":01}'],
  ['a plus sign', '{"a":+1}'],
  ['a bare point', '{"a":1.}'],
  ['a hexadecimal number', '{"a":0x1}'],
  ['a word in capitals', '{"a":True}'],
  ['a word that goes on', '{"a":trueish}'],
  ['an unknown escape', '{"a":"\\x41"}'],
  ['a raw line feed in a string', '{"a":"\n"}'],
  ['a raw NUL in a string', '{"a":"\0"}'],
  ['an escaped lone high surrogate', '{"a":"\\ud83d"}'],
  ['an escaped lone low surrogate', '{"a":"\\ude00"}'],
  ['an escaped lone surrogate as a name', '{"\\ud83d":1}'],
  ['a raw lone surrogate', '{"a":"\ud83d"}'],
  ['a raw high surrogate before an escaped low one', '{"a":"\ud83d\\ude00"}'],
  ['a byte order mark', '\ufeff{}'],
  ['a byte order mark in bytes', new Uint8Array([0xef, 0xbb, 0xbf, 0x7b, 0x7d])],
  ['UTF-16', new Uint8Array([0x7b, 0, 0x7d, 0])],
  ['an overlong character', new Uint8Array([...bytes('{"a":"'), 0xc0, 0xaf, ...bytes('"}')])],
  ['a surrogate in UTF-8', new Uint8Array([...bytes('{"a":"'), 0xed, 0xa0, 0xbd, ...bytes('"}')])],
  ['a truncated character', new Uint8Array([...bytes('{"a":"'), 0xe2, 0x82, ...bytes('"}')])],
  ['no-break space between', '{\u00a0}'],
  ['17 objects inside one another', nested(17)],
  ['17 containers inside one another', nestedArrays(17)],
  ['1,001 members', members(1001)],
  ['1,000 elements and their array', elements(1000)],
  ['a hundred thousand open brackets', `{"a":${'['.repeat(100_000)}`],
]
for (const [what, input] of refused) {
  test(`${what} is refused`, () => assert.equal(parseJsonObject(input), null))
}

test('limits are what the caller says', () => {
  assert.equal(parseJsonObject('{"a":{}}', { maxDepth: 1 }), null)
  assert.notEqual(parseJsonObject('{"a":0}', { maxDepth: 1 }), null)
  assert.equal(parseJsonObject('{"a":0,"b":0}', { maxMembers: 1 }), null)
  assert.notEqual(parseJsonObject(members(5000), { maxMembers: 5000 }), null)
})

test('a member named __proto__ is a member, and changes nothing else', () => {
  const object = parseJsonObject('{"__proto__":{"admin":true},"constructor":1}')
  assert.equal(object?.admin, undefined)
  assert.equal(JSON.stringify(Object.entries(object ?? {})[0]), '["__proto__",{"admin":true}]')
  assert.equal(Object.getPrototypeOf(object), null)
  assert.equal(({} as { admin?: unknown }).admin, undefined)
})

test('names of Object.prototype are absent from an empty object', () => {
  for (const name of ['toString', 'constructor', 'hasOwnProperty', '__proto__']) {
    assert.equal(parseJsonObject('{}')?.[name], undefined)
  }
})

test('a megabyte of the worst texts takes less than a second each', () => {
  const size = 1_000_000
  for (const text of [
    `{"a":"${'\\'.repeat(size)}`,
    `{"a":"${'\\u0061'.repeat(size / 6)}"}`,
    `{"a":${'1'.repeat(size)}}`,
    `{"a":${'1e'.repeat(size / 2)}}`,
    ' '.repeat(size),
    `{"a":${' '.repeat(size)}`,
    members(size / 10),
    `{${'"a":'.repeat(size / 4)}`,
  ]) {
    const start = performance.now()
    parseJsonObject(text, { maxMembers: size, maxDepth: 1000 })
    assert.ok(performance.now() - start < 10_000, text.slice(0, 20))
  }
})

// `unit: 'binary'` makes strings of any code unit, surrogates included.
const someJson = fc
  .dictionary(fc.string({ unit: 'binary', maxLength: 5 }), fc.jsonValue({ maxDepth: 4 }), { maxKeys: 5 })
  .map((value) => JSON.stringify(value))
const fragments = fc
  .array(
    fc.constantFrom(
      ...'{}[]:,"\\ 019.-+eE',
      '"a"',
      '"b"',
      '"\\u0061"',
      'true',
      'null',
      '1e400',
      '{"a":',
      '\ud83d',
      '\ufeff',
    ),
    { maxLength: 14 },
  )
  .map((parts) => `{${parts.join('')}}`)
const damaged = fc
  .tuple(someJson, fc.nat(), fc.constantFrom('', '"', ',', '{', '\\', '0', '\0', '"a":1,'))
  .map(([text, at, put]) => text.slice(0, at % text.length) + put + text.slice((at % text.length) + 1))

test('a text is read exactly if JSON.parse reads it and loses nothing, and then as JSON.parse reads it', async (t) => {
  const seen = { read: 0, stricter: 0, refused: 0 }
  await fuzz(t, fc.oneof(someJson, fragments, damaged), (text) => {
    const found = parseJsonObject(text)
    const expected = parsed(text)
    const strict = expected !== undefined && isWhole(expected) && colons(text) === countMembers(expected)
    const taken = strict && isContainer(expected) && !Array.isArray(expected) && text.isWellFormed()
    assert.equal(found !== null, taken, text)
    seen[taken ? 'read' : expected === undefined ? 'refused' : 'stricter']++
    const asWritten = taken ? JSON.stringify(expected) : 'null'
    assert.equal(JSON.stringify(found), asWritten)
    // Of others the encoder makes other texts.
    if (!text.isWellFormed()) return
    assert.equal(JSON.stringify(parseJsonObject(bytes(text))), asWritten)
    assert.equal(JSON.stringify(parseClaims(bytes(text))), asWritten)
  })
  assert.ok(seen.read > 1000 && seen.stricter > 20 && seen.refused > 1000, JSON.stringify(seen))
})

test('any bytes give an answer', (t) =>
  fuzz(
    t,
    fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.uint8Array().map((raw) => new Uint8Array([0x7b, 0x22, ...raw])),
    ),
    (raw) => {
      const found = parseJsonObject(raw)
      assert.ok(found === null || typeof found === 'object')
    },
  ))

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const isContainer = (value: unknown): value is object => typeof value === 'object' && value !== null

function isWhole(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value === 'string') return value.isWellFormed()
  if (!isContainer(value)) return true
  return Object.entries(value).every(([name, member]) => name.isWellFormed() && isWhole(member))
}

/** Colons outside strings: one for each member that was written. */
function colons(text: string): number {
  return text.replaceAll(/"(?:\\.|[^"\\])*"/gs, '').split(':').length - 1
}

/** Members that JSON.parse kept: fewer than were written if a name came twice. */
function countMembers(value: unknown): number {
  if (!isContainer(value)) return 0
  const own = Array.isArray(value) ? 0 : Object.keys(value).length
  return Object.values(value).reduce((sum: number, member) => sum + countMembers(member), own)
}

test('a member that only the prototype has is not found, and one named like the prototype is only a name', () => {
  // With an escape it is read letter by letter, and comes to the same.
  for (const name of ['ada', '\\u0061da']) {
    const found = parseJsonObject(`{"sub":"${name}","__proto__":{"act":1},"list":[{"cnf":{}}]}`)
    assert.ok(found !== null)
    assert.equal(found.sub, 'ada')
    for (const name of ['toString', 'constructor', 'hasOwnProperty', 'act'])
      assert.equal(found[name], undefined, name)
    const named = Object.entries(found).find(([name]) => name === '__proto__')
    assert.deepEqual({ ...Object(named?.[1]) }, { act: 1 })
    const [inner] = Object(found.list)
    for (const one of [found, named?.[1], inner, inner.cnf]) assert.equal(Object.getPrototypeOf(one), null)
  }
})

test('what somebody has added to all objects is no claim, at any depth', () => {
  const [text, inherited] = [bytes('{"sub":"ada","cnf":{"a":1},"list":[{}]}'), Object.prototype]
  const clean = parseClaims(text)
  Object.assign(inherited, { act: { sub: 'mallory' }, jkt: 'thumbprint' })
  try {
    const found = parseClaims(text) ?? assert.fail()
    assert.deepEqual([found.sub, found.act], ['ada', undefined])
    const [cnf, list] = [found.cnf, found.list]
    assert.ok(isJsonObject(cnf) && Array.isArray(list) && isJsonObject(list[0]))
    assert.deepEqual([cnf.a, cnf.jkt, list[0].act], [1, undefined, undefined])
  } finally {
    for (const name of ['act', 'jkt']) Reflect.deleteProperty(inherited, name)
  }
  assert.equal(JSON.stringify(clean), JSON.stringify(parseClaims(text)))
})
