import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Refusal } from '@counterfoil/verifier'
import { systemCommonPasswords } from '../node/common-passwords.ts'
import { checkNewPassword, normalisePassword } from './password.ts'

const codeOf = (work: () => unknown): string | null => {
  try {
    work()
    return null
  } catch (error) {
    assert.ok(error instanceof Refusal, String(error))
    return error.code
  }
}

const forms: [what: string, given: string, normalised: string][] = [
  ['composed and decomposed letters are one password', 'cafe\u0301', 'café'],
  ['a composed letter stays', 'caf\u00e9', 'café'],
  ['spaces, also around it, stay', '  a b  ', '  a b  '],
  ['case stays', 'AbC', 'AbC'],
  ['compatibility forms stay different', 'ﬁ①', 'ﬁ①'],
  ['an emoji stays', '🦊', '🦊'],
  ['nothing stays nothing', '', ''],
]

for (const [what, given, normalised] of forms) {
  test(`normalising: ${what}`, () => assert.equal(normalisePassword(given), normalised))
}

const refused: [what: string, given: string, code: string | null][] = [
  ['a lone high surrogate', 'abc\ud83e', 'password_malformed'],
  ['a lone low surrogate', '\udd8aabc', 'password_malformed'],
  ['1,024 code points', '🦊'.repeat(1024), null],
  ['1,025 code points', 'a'.repeat(1025), 'password_too_long'],
  ['1,024 letters with their accents apart', 'e\u0301'.repeat(1024), null],
  ['a megabyte', 'a'.repeat(1_000_000), 'password_too_long'],
  ['30 marks in a row', `a${'\u0301\u0316'.repeat(15)}`, null],
  ['31 marks in a row', `a${'\u0301\u0316'.repeat(15)}\u0301`, 'password_malformed'],
  ['31 marks and nothing that they stand on', '\u0300'.repeat(31), 'password_malformed'],
  ['31 marks beyond the first plane', `a${'\u{1d165}'.repeat(31)}`, 'password_malformed'],
  ['30 marks, a letter and 30 marks', `a${'\u0316'.repeat(30)}a${'\u0316'.repeat(30)}`, null],
  [
    'marks that come apart into two',
    `a${'\u0344'.repeat(2600)}${'\u0334'.repeat(1490)}`,
    'password_malformed',
  ],
  ['Vietnamese, its marks apart', 'Trời xanh mây trắng, đường về quê ngoại'.normalize('NFD'), null],
  ['Hebrew with points and accents', 'בְּרֵאשִׁ֖ית בָּרָ֣א אֱלֹהִ֑ים אֵ֥ת הַשָּׁמַ֖יִם', null],
  ['Devanagari', 'सत्यमेव जयते नानृतं सत्येन पन्था विततो देवयानः', null],
  ['Arabic with its vowels', 'بِسْمِ ٱللَّهِ ٱلرَّحْمَٰنِ ٱلرَّحِيمِ', null],
  ['Thai', 'น้ำท่วมทุ่งผักบุ้งโหรงเหรง', null],
  ['families of emoji', '👩🏽‍🚀👨‍👩‍👧‍👦🏳️‍🌈'.repeat(10), null],
  ['a megabyte that is malformed too', '\ud83e'.repeat(500_000), 'password_too_long'],
]

for (const [what, given, code] of refused) {
  test(`${what}: ${code ?? 'taken'}`, () =>
    assert.equal(
      codeOf(() => normalisePassword(given)),
      code,
    ))
}

const given = { minimum: 15, email: 'ann.smith@example.com', common: systemCommonPasswords() }

const good = [
  'correct horse battery staple',
  'trombone walnut 7',
  'aaaaaaaaaaaaaab walks',
  'Zug fährt um 7:42 ab',
  'ein Satz ohne Sinn',
  'パスワードは長いほうがよいのです',
  'my name is ann.smith',
  'ann.smith likes walnuts',
  'k3#9xQ!vLp2@mZ8',
  '5820384710294857',
  'horse48302975836102',
  'abc walnut 123 qwerty',
]

for (const password of good) {
  test(`taken: ${password}`, () =>
    assert.equal(
      codeOf(() => checkNewPassword(password, given)),
      null,
    ))
}

const common = [
  'passwordpassword',
  'PasswordPassword',
  'passwordpasswordpass',
  'qwerty123456789',
  'QWERTYUIOP12345',
  'password1234567890',
  '123456password123456',
  'aaaaaaaaaaaaaaa',
  'abcabcabcabcabc',
  'abcabcabcabcabca',
  'k3#9xk3#9xk3#9xk3#9x',
  '               ',
  '🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊',
  'sunshinesunshine',
  '123456789012345',
  '12345678901234567890123',
  '543210987654321',
  'abcdefghijklmnop',
  'ponmlkjihgfedcba',
  'qwertyuiopasdfgh',
  'zxcvbnmasdfghjkl',
  '1qaz2wsx3edc4rfv5tgb',
  'aaaaabbbbbccccc',
  'abcdefgh12345678',
  'ann.smith@example.com',
  'Ann.Smith@Example.com',
  'ann.smith1234567',
  '2025ann.smith2026',
  'ann.smithann.smith',
  'ann.smith@example.com1',
]

for (const password of common) {
  test(`too common: ${password}`, () => {
    assert.equal(
      codeOf(() => checkNewPassword(password, given)),
      'password_common',
    )
  })
}

const lengths: [password: string, minimum: number, code: string | null][] = [
  ['walnut trombon', 15, 'password_too_short'],
  ['walnut trombone', 15, null],
  ['🦊🐻🐼🐨🐯🦁🐮', 8, 'password_too_short'],
  ['🦊🐻🐼🐨🐯🦁🐮🐷', 8, null],
  ['', 8, 'password_too_short'],
  ['password', 8, 'password_common'],
]

for (const [password, minimum, code] of lengths) {
  test(`of at least ${minimum}: ${JSON.stringify(password)} is ${code ?? 'taken'}`, () => {
    assert.equal(
      codeOf(() => checkNewPassword(password, { ...given, minimum })),
      code,
    )
  })
}

test('marks are refused before anything is done with them', () => {
  const marks = `a${'\u0344'.repeat(2600)}${'\u0334'.repeat(1490)}`
  const normalise = String.prototype.normalize
  try {
    Object.defineProperty(String.prototype, 'normalize', { value: () => assert.fail('was normalised') })
    assert.equal(
      codeOf(() => normalisePassword(marks)),
      'password_malformed',
    )
  } finally {
    Object.defineProperty(String.prototype, 'normalize', { value: normalise })
  }
})

test('the longest passwords are judged quickly, however they are made', () => {
  const worst = [
    `${'a'.repeat(1023)}b`,
    `${'ab'.repeat(511)}c`,
    `${'1'.repeat(1022)}x1`,
    '1a'.repeat(512),
    'abc'.repeat(341),
  ]
  const start = performance.now()
  for (const password of worst) codeOf(() => checkNewPassword(password, given))
  assert.ok(performance.now() - start < 5000)
})

/** abaababa…: of all texts the one with the most repetitions. */
function unitsWithin(size: number): string {
  let [before, text] = ['b', 'a']
  while (text.length < size) [before, text] = [text, text + before]
  return text.slice(0, size)
}

const repeating: [what: string, make: (size: number) => string][] = [
  ['one unit', (size) => 'ab'.repeat(size / 2)],
  ['one unit, broken at the end', (size) => `${'ab'.repeat(size / 2)}c`],
  ['one character, broken at the end', (size) => `${'a'.repeat(size)}b`],
  ['units within units', unitsWithin],
]
for (const [what, make] of repeating) {
  test(`repetition is found in time in proportion to the length: ${what}`, () => {
    const [small, large] = [make(4000), make(64_000)]
    const best = (text: string) => {
      const took = [0, 1, 2, 3, 4].map(() => {
        const startedAt = performance.now()
        codeOf(() => checkNewPassword(text, given))
        return performance.now() - startedAt
      })
      return Math.min(...took)
    }
    // Sixteen times the length; in the square of it, it would be 256 times the work.
    const growth = [0, 1, 2].map(() => best(large) / best(small))
    assert.ok(Math.min(...growth) < 64, `${growth.join(', ')} times as much`)
  })
}
