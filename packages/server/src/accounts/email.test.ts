import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Refusal } from '@counterfoil/verifier'
import fc from 'fast-check'
import { fuzz } from '../testing/fuzz.ts'
import { parseEmail } from './email.ts'

for (const [what, given, stored] of [
  ['a plain address', 'ada@example.org', 'ada@example.org'],
  ['capitals', 'Ada.LOVELACE@Example.ORG', 'ada.lovelace@example.org'],
  ['white space around it', '  ada@example.org\t', 'ada@example.org'],
  ['a tag, which is kept', 'ada+bank@example.org', 'ada+bank@example.org'],
  ['dots, which are kept', 'a.d.a@gmail.example', 'a.d.a@gmail.example'],
  ['every sign that RFC 5322 has', "!#$%&'*+/=?^_`{|}~-@example.org", "!#$%&'*+/=?^_`{|}~-@example.org"],
  [
    'a domain in another script as it is written in ASCII',
    'ada@XN--bcher-kva.example',
    'ada@xn--bcher-kva.example',
  ],
  ['a host without a dot', 'ada@localhost', 'ada@localhost'],
  ['a local part of 64', `${'a'.repeat(64)}@example.org`, `${'a'.repeat(64)}@example.org`],
] as const) {
  test(`${what}: one stored form`, () => {
    assert.equal(parseEmail(given), stored)
    assert.equal(parseEmail(stored), stored, 'and it is its own')
  })
}

for (const [what, given] of [
  ['nothing', ''],
  ['no at sign', 'ada.example.org'],
  ['no local part', '@example.org'],
  ['no domain', 'ada@'],
  ['two at signs', 'ada@home@example.org'],
  ['two addresses', 'ada@example.org,bo@example.org'],
  ['a display name', 'Ada <ada@example.org>'],
  ['a quoted local part', '"ada"@example.org'],
  ['a comment', 'ada(x)@example.org'],
  ['a space within', 'a da@example.org'],
  ['a line break and a header', 'ada@example.org\r\nBcc: bo@example.org'],
  ['NUL', 'ada\0@example.org'],
  ['a dot first', '.ada@example.org'],
  ['a dot last', 'ada.@example.org'],
  ['two dots', 'a..da@example.org'],
  ['an empty label', 'ada@example..org'],
  ['a final dot', 'ada@example.org.'],
  ['a label that begins with a hyphen', 'ada@-example.org'],
  ['a label of 64', `ada@${'a'.repeat(64)}.org`],
  ['a local part of 65', `${'a'.repeat(65)}@example.org`],
  ['255 characters', `ada@${'a.'.repeat(125)}b`],
  ['an address in brackets', 'ada@[127.0.0.1]'],
  ['an underscore in the domain', 'ada@ex_ample.org'],
  ['a dotless i', 'm\u0131ke@example.org'],
  ['a Kelvin sign', 'mi\u212ae@example.org'],
  ['a sharp s', 'stra\u00dfe@example.org'],
  ['a Cyrillic a', '\u0430da@example.org'],
  ['a full-width at sign', 'ada\uff20example.org'],
  ['a zero-width joiner', 'a\u200dda@example.org'],
  ['a domain in another script', 'ada@b\u00fccher.example'],
  ['half a surrogate pair', 'ada\ud800@example.org'],
] as const) {
  test(`an address with ${what} is refused`, () => {
    assert.throws(() => parseEmail(given), { name: 'Refusal', code: 'email_invalid' })
  })
}

test('whatever is typed is refused, or has one form of plain ASCII that is its own', (t) => {
  const letters = fc.constantFrom(...'aA1.+-_@ \t\n\0"<>,;K\u212a\u0131\u00df\u200d\ud800'.split(''))
  const inputs = fc.oneof(
    fc.string({ unit: letters, maxLength: 40 }),
    fc
      .tuple(fc.string({ unit: letters, maxLength: 12 }), fc.domain())
      .map(([local, domain]) => `${local}@${domain}`),
    fc.emailAddress(),
    fc.string({ unit: 'binary' }),
  )
  let accepted = 0
  return fuzz(t, { inputs }, (given) => {
    let email: string
    try {
      email = parseEmail(given)
    } catch (error) {
      assert.ok(error instanceof Refusal && error.code === 'email_invalid')
      return
    }
    accepted += 1
    assert.match(email, /^[\x21-\x7e]+@[a-z0-9.-]+$/)
    assert.equal(email.split('@').length, 2)
    assert.equal(email, given.trim().toLowerCase())
    assert.equal(parseEmail(email), email)
    assert.equal(parseEmail(email.toUpperCase()), email)
  }).then(() => assert.ok(accepted > 500, `${accepted} were accepted`))
})
