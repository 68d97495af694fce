import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  carriesSessionCookie,
  decodeBase64url,
  parseJsonObject,
  parseJws,
  readCookie,
  readCredential,
  sessionCookieName,
} from '@counterfoil/verifier'
import { type Agent, onEachEngine, openHouse } from 'counterfoil/house'

/**
 * Work is judged by its growth, not by seconds: eight times the input may cost eight times as much, and some noise.
 * Quadratic work would cost 64 times.
 */
const factor = 8
const mostGrowth = 20

async function once(work: () => unknown): Promise<number> {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}

async function best(work: () => unknown, repeats: number): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let run = 0; run < 5; run++) {
    const took = await once(async () => {
      for (let count = 0; count < repeats; count++) await work()
    })
    least = Math.min(least, took)
  }
  return least / repeats
}

/** Measured anew up to eight times: a machine that is busy with something else must not look like an attack. */
async function assertLinear(
  parse: (text: string) => unknown,
  make: (size: number) => string,
  size: number,
): Promise<void> {
  const [small, large] = [make(size), make(size * factor)]
  const repeats = Math.max(1, Math.min(200, Math.round(2 / (await best(() => parse(small), 1)))))
  const seen: number[] = []
  for (let attempt = 0; attempt < 8; attempt++) {
    const base = await best(() => parse(small), repeats)
    const growth =
      (await best(() => parse(large), Math.max(1, Math.round(repeats / factor)))) / Math.max(base, 0.000_5)
    if (growth < mostGrowth) return
    seen.push(Math.round(growth))
  }
  assert.fail(`${factor} times the input costs ${seen.join(', ')} times as much`)
}

const free = { maxMembers: Number.POSITIVE_INFINITY, maxDepth: 500 }
const json = (text: string) => parseJsonObject(text, free)
const cookies = (header: string) => [readCookie(header, sessionCookieName), carriesSessionCookie(header)]
function credential(authorization: string): unknown {
  try {
    return readCredential({ authorization, cookie: null })
  } catch {
    return null
  }
}

type Case = [what: string, parse: (text: string) => unknown, make: (size: number) => string, size?: number]
const parsers: Case[] = [
  ['JSON of white space', json, (n) => `{${' \t\n\r'.repeat(n / 4)}`],
  ['JSON of white space between members', json, (n) => `{"a":[${`1${' '.repeat(50)},`.repeat(n / 50)}1]}`],
  ['a JSON string of quoted quotes', json, (n) => `{"a":"${'\\"'.repeat(n)}`],
  ['a JSON string of backslashes', json, (n) => `{"a":"${'\\\\'.repeat(n)}"}`],
  ['a JSON string of escapes', json, (n) => `{"a":"${'\\u0061'.repeat(n)}"}`],
  ['a JSON number of many digits', json, (n) => `{"a":${'1'.repeat(n)}}`],
  ['a JSON fraction that ends badly', json, (n) => `{"a":0.${'1'.repeat(n)}e}`],
  [
    'a JSON object of many members',
    json,
    (n) => `{${Array.from({ length: n / 8 }, (_, at) => `"m${at}":1`).join(',')}}`,
  ],
  ['a JSON array of many strings', json, (n) => `{"a":[${'"",'.repeat(n)}""]}`],
  ['many JSON objects that nest and end', json, (n) => `{"a":[${'{"a":{"a":{}}},'.repeat(n / 12)}1]}`],
  ['base64url', decodeBase64url, (n) => 'A'.repeat(n)],
  ['base64url that ends badly', decodeBase64url, (n) => `${'A'.repeat(n)}!`],
  [
    'a token of three long parts',
    parseJws,
    (n) => Array.from({ length: 3 }, () => 'AAAA'.repeat(n / 12)).join('.'),
    1000,
  ],
  ['a token of dots', parseJws, (n) => '.'.repeat(n), 1000],
  ['a token without a last part', parseJws, (n) => `${'A'.repeat(n / 2)}.${'A'.repeat(n / 2)}`, 1000],
  ['an Authorization of letters', credential, (n) => 'B'.repeat(n)],
  ['an Authorization of padding that ends badly', credential, (n) => `Bearer ${'='.repeat(n)}!`],
  ['an Authorization that ends badly', credential, (n) => `Bearer ${'a'.repeat(n)} `],
  ['an Authorization of spaces', credential, (n) => `Bearer${' '.repeat(n)}a`],
  ['a Cookie of semicolons', cookies, (n) => ';'.repeat(n)],
  ['a Cookie of spaces', cookies, (n) => `${' '.repeat(n)}=${' '.repeat(n)}`],
  ['a Cookie of equals signs', cookies, (n) => '='.repeat(n)],
  ['a Cookie of many session cookies', cookies, (n) => `${sessionCookieName}=a; `.repeat(n / 20)],
]

for (const [what, parse, make, size = 8000] of parsers) {
  test(`A-120 reading ${what} takes time in proportion to its length`, () => assertLinear(parse, make, size))
}

test('A-120 the measure finds quadratic work', async () => {
  const quadratic = (text: string) => /a*a*$/.test(`${text}b`)
  await assert.rejects(
    assertLinear(quadratic, (n) => 'a'.repeat(n / 200), 8000),
    /times as much/,
  )
})

const signIn = (field: 'email' | 'password') => (app: Agent, text: string) =>
  app.post('/auth/sign-in', { email: 'ada@example.org', password: 'x', carrier: 'token', [field]: text })
const withHeader = (name: string) => (app: Agent, text: string) => app.get('/', { [name]: text })

/** As long as the listener lets headers, and the route its fields, become: 16 KiB. */
const requests: [
  what: string,
  send: (app: Agent, text: string) => Promise<Response>,
  make: (size: number) => string,
][] = [
  ['an address of dots', signIn('email'), (n) => `${'a.'.repeat(n / 2)}@`],
  ['an address of at signs', signIn('email'), (n) => '@'.repeat(n)],
  ['an address of hyphens', signIn('email'), (n) => `a@${'-'.repeat(n)}.example`],
  ['an address of labels', signIn('email'), (n) => `a@${'a.'.repeat(n / 2)}`],
  ['an address of spaces', signIn('email'), (n) => `${' '.repeat(n)}a${' '.repeat(n)}`],
  ['a User-Agent of spaces', withHeader('user-agent'), (n) => `a${' '.repeat(n)}a`],
  ['a User-Agent of brackets', withHeader('user-agent'), (n) => `Mozilla/5.0 ${'('.repeat(n)}`],
  [
    'a User-Agent of semicolons',
    withHeader('user-agent'),
    (n) => `Mozilla/5.0 (Linux; ${'; '.repeat(n / 2)}`,
  ],
  ['a User-Agent of browsers', withHeader('user-agent'), (n) => 'Chrome/1 Safari/1 '.repeat(n / 18)],
  ['an X-Forwarded-For of commas', withHeader('x-forwarded-for'), (n) => ','.repeat(n)],
  ['an X-Forwarded-For of colons', withHeader('x-forwarded-for'), (n) => ':'.repeat(n)],
  ['an X-Forwarded-For of addresses', withHeader('x-forwarded-for'), (n) => '10.0.0.1, '.repeat(n / 10)],
  ['an Accept of wildcards', withHeader('accept'), (n) => '*/*,'.repeat(n / 4)],
  ['an Origin of dots', withHeader('origin'), (n) => `http://${'a.'.repeat(n / 2)}`],
  ['a Cookie of cookies', withHeader('cookie'), (n) => `${sessionCookieName}=${'A'.repeat(n)}; a=b`],
  ['a path of slashes', (app, text) => app.get(text), (n) => '/a'.repeat(n / 2)],
  ['a path of escapes', (app, text) => app.get(text), (n) => `/${'%41'.repeat(n / 3)}`],
  ['a query of parameters', (app, text) => app.get(text), (n) => `/sign-in?${'next=/&'.repeat(n / 7)}`],
  [
    'a query that leads back and forth',
    (app, text) => app.get(text),
    (n) => `/sign-in?next=/${'../'.repeat(n / 3)}`,
  ],
  ['a link token', (app, text) => app.get(text), (n) => `/verify?token=${'A'.repeat(n)}`],
  [
    'a refresh token',
    (app, text) =>
      app.send('POST', '/oauth/token', { form: { grant_type: 'refresh_token', refresh_token: text } }),
    (n) => `cfr_${'A'.repeat(n / 2)}`,
  ],
  ['a password of marks in the wrong order', signIn('password'), (n) => `a${'\u0301\u0316'.repeat(n / 2)}`],
]

onEachEngine('long requests', (open) => {
  test('A-120 answering a long request takes time in proportion to its length', async (context) => {
    const { program } = await openHouse(open, { policy: { trustedHops: 1 } })
    for (const [what, send, make] of requests) {
      await context.test(what, () => assertLinear((text) => send(program(), text), make, 2000))
    }
  })

  /** Within what a password may be. Each of the first marks becomes two, and the last ones belong before them all. */
  const marksApart = `a${'\u0344'.repeat(2600)}${'\u0334'.repeat(1490)}`

  test('A-120 a password of marks that come apart costs no more than any other that is refused', async () => {
    const { program, machine } = await openHouse(open)
    const cost = (password: string, code: string) =>
      best(async () => {
        const answer = await signIn('password')(program(), password)
        assert.equal((await answer.json()).code, code)
      }, 3)
    const seen: number[] = []
    for (let attempt = 0; attempt < 8 && Math.min(...seen) >= 3; attempt++) {
      const plain = await cost('b'.repeat(marksApart.length), 'password_too_long')
      seen.push((await cost(marksApart, 'password_malformed')) / plain)
    }
    assert.ok(Math.min(...seen) < 3, `${seen.join(', ')} times as much`)
    assert.deepEqual(machine.hashCalls, [])
  })
})
