import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeBase64url } from '@counterfoil/verifier'
import { goodPassword, onEachEngine, openHouse, type TestHouse } from 'counterfoil/house'

const prototypes = [Object.prototype, Array.prototype, Function.prototype, String.prototype, Map.prototype]
const keysOf = () => prototypes.map((prototype) => Reflect.ownKeys(prototype).length)
const clean = keysOf()

function assertClean(where: string): void {
  assert.deepEqual(keysOf(), clean, where)
  const plain: Record<string, unknown> = {}
  for (const name of ['polluted', 'isAdmin', 'carrier', 'email', 'sub', 'act', 'grant'])
    assert.equal(plain[name], undefined, where)
}

const json = { 'content-type': 'application/json' }
const good = `"email":"ada@example.org","password":"${goodPassword}","carrier":"token"`
const planted = '{"polluted":1,"isAdmin":true,"carrier":"cookie","email":"eve@example.org"}'

/** Written as text: an object literal with `__proto__` would set it here already. */
const bodies: [body: string, status: number][] = [
  [`{"__proto__":${planted},${good}}`, 200],
  [`{${good},"constructor":{"prototype":${planted}}}`, 200],
  [`{${good},"\\u005f_proto__":${planted}}`, 200],
  [`{${good},"toString":1,"hasOwnProperty":1,"valueOf":null,"then":1}`, 200],
  [`{"__proto__":{${good}}}`, 400],
  [`{"constructor":{"prototype":{${good}}}}`, 400],
  [`{"__proto__":null,"__proto__":{${good}}}`, 400],
  [`{"__proto__":1,"\\u005f\\u005fproto__":2,${good}}`, 400],
  [`[{"__proto__":${planted}}]`, 400],
  [`{${good.replace('"token"', '"__proto__"')}}`, 400],
  [`{${good.replace('"token"', '"constructor"')}}`, 400],
  [`{${good.replace('"token"', '["token"]')}}`, 400],
  [`{${good.replace('"ada@example.org"', '{"toString":"ada@example.org","length":1}')}}`, 400],
]

const claimsOf = (at: TestHouse, token: string): string => {
  const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()
  assert.ok(payload.includes(at.issuer))
  return payload
}

/** A token with exactly this text as its header and payload, signed by the house’s own key: the worst case. */
async function signed(at: TestHouse, payload: string, more = ''): Promise<string> {
  const ring = await at.house.keys.ring()
  const header = `{"alg":"${ring.algorithm}","kid":"${ring.kid}","typ":"at+jwt"${more}}`
  const input = [header, payload].map((part) => encodeBase64url(new TextEncoder().encode(part))).join('.')
  return `${input}.${encodeBase64url(ring.sign(input))}`
}

onEachEngine('prototype pollution', (open) => {
  test('A-123 no member of a JSON body reaches a prototype or stands in for a field', async () => {
    const at = await openHouse(open)
    await at.member()
    for (const [body, status] of bodies) {
      const answer = await at.program().send('POST', '/auth/sign-in', { body, headers: json })
      assert.equal(answer.status, status, body)
      if (status === 200) {
        const { account, access_token } = await answer.json()
        assert.deepEqual([account.email, typeof access_token], ['ada@example.org', 'string'])
      }
      assertClean(body)
    }
  })

  test('A-123 no form field, parameter, cookie or path reaches a prototype', async () => {
    const at = await openHouse(open)
    const { browser } = await at.member()
    const { refresh_token } = await at.tokens('ada@example.org')
    const names = [
      '__proto__',
      'constructor',
      '__proto__[polluted]',
      '__proto__.polluted',
      'constructor[prototype][polluted]',
      'toString',
    ]
    for (const name of names) {
      const form = Object.fromEntries([
        ['grant_type', 'refresh_token'],
        ['refresh_token', 'cfr_none'],
        [name, '1'],
      ])
      assert.equal((await at.program().send('POST', '/oauth/token', { form })).status, 400)
      const page = await browser.submit(
        '/sign-up',
        Object.fromEntries([
          ['email', 'x'],
          ['password', 'y'],
          [name, '1'],
        ]),
      )
      assert.equal(page.status, 422)
      assert.equal((await browser.get(`/sign-in?${encodeURIComponent(name)}=1`)).status < 400, true)
      const cookie = `${name}=1; __proto__=polluted`
      assert.equal((await at.program().get('/auth/session', { cookie })).status, 401)
      assertClean(name)
    }
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      assert.equal((await browser.get(`/assets/${name}`)).status, 404)
      assert.equal((await browser.get(`/${name}`)).status, 404)
      assert.equal((await browser.send('DELETE', `/auth/sessions/${name}`)).status, 404)
      const as = (grant_type: string) =>
        at.program().send('POST', '/oauth/token', { form: { grant_type, refresh_token } })
      assert.equal((await (await as(name)).json()).error, 'unsupported_grant_type')
      assertClean(name)
    }
    assert.equal(
      (
        await at
          .program()
          .send('POST', '/oauth/token', { form: { grant_type: 'refresh_token', refresh_token } })
      ).status,
      200,
    )
  })

  test('A-123 a claim named after a prototype is only a name, even in a token that is signed', async () => {
    const at = await openHouse(open)
    await at.member()
    const { access_token, account } = await at.tokens('ada@example.org')
    const claims = claimsOf(at, access_token)
    const ask = async (token: string) =>
      at.program().get('/auth/session', { authorization: `Bearer ${token}` })
    const extra = [
      '"__proto__":{"act":{"sub":"eve"},"grant":"g","scope":"admin","polluted":1}',
      '"constructor":{"prototype":{"polluted":1}}',
      '"toString":1',
    ]
    for (const more of extra) {
      const answer = await ask(await signed(at, `${claims.slice(0, -1)},${more}}`))
      const shown = await answer.json()
      assert.equal(answer.status, 200, more)
      assert.deepEqual(
        [shown.account.id, shown.actor, shown.grant, shown.scopes],
        [account.id, null, null, []],
      )
      assertClean(more)
    }
    const lacking = [
      `{"__proto__":${claims}}`,
      claims.replace('"sub":', '"__proto__":'),
      claims.replace(/"sub":("[^"]+")/, '"__proto__":{"sub":$1}'),
      claims.replace(/"sid":("[^"]+")/, '"sid":{"toString":$1}'),
    ]
    for (const payload of lacking) {
      assert.notEqual(payload, claims)
      assert.equal((await ask(await signed(at, payload))).status, 401, payload)
      assertClean(payload)
    }
    for (const more of [',"__proto__":{"alg":"none"}', ',"constructor":{"prototype":{"alg":"none"}}']) {
      assert.equal((await ask(await signed(at, claims, more))).status, 200)
      assertClean(more)
    }
    const [, payload, signature] = (await signed(at, claims)).split('.')
    for (const kid of ['__proto__', 'constructor', 'toString', 'size', 'get']) {
      const header = encodeBase64url(
        new TextEncoder().encode(`{"alg":"ES256","kid":"${kid}","typ":"at+jwt"}`),
      )
      assert.equal((await ask(`${header}.${payload}.${signature}`)).status, 401, kid)
    }
  })
})
