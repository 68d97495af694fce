import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { it } from 'node:test'
import { createAuth } from 'counterfoil'
import { onEachEngine } from 'counterfoil/house'
import { contentsOf, expectRefused } from './evidence.ts'
import { type Case, expectAllRefused, invalid, partOf, stage } from './forge.ts'

const expired = { status: 401, code: 'token_expired' }

onEachEngine('tokens that say what they must not', (open) => {
  it('A-42: nothing is signed with a shared secret, and a root secret that is too short does not start', async () => {
    const on = await stage(open)
    const header = partOf(JSON.stringify({ ...on.forge.header, alg: 'HS256' }))
    const input = `${header}.${partOf(on.forge.claimsText)}`
    const secrets = ['', 'a', 'secret', '0'.repeat(32), String(on.forge.header.kid)]
    await expectAllRefused(
      on,
      secrets.map((secret): Case => {
        return [
          `signed with "${secret}"`,
          `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`,
        ]
      }),
    )
    const options = { issuer: 'http://localhost:3000', database: 'sqlite::memory:' }
    await assert.rejects(createAuth({ ...options, secret: '' }), /secret/)
    for (const secret of ['short', 'x'.repeat(31), new Uint8Array(16)])
      await assert.rejects(createAuth({ ...options, secret }), /root secret/)
    const auth = await createAuth({ ...options, secret: 'x'.repeat(32) })
    assert.equal((await auth.fetch(new Request('http://localhost:3000/healthz'))).status, 200)
    await auth.close()
  })

  it('A-46: a flood of unknown kids, one after another or at once, reads the keys at most once per interval', async () => {
    const on = await stage(open)
    const keyReads = () => on.statements.filter((one) => /from "signing_key"/i.test(one)).length
    const flood = Array.from({ length: 200 }, (_, index) =>
      on.forge.sign({ header: { kid: `unknown-${index}` } }),
    )
    const before = await contentsOf(on.db)
    on.machine.clock.advance(60)
    on.statements.length = 0
    const atOnce = await Promise.all(flood.map((token) => on.show(token)))
    for (const answer of atOnce) await expectRefused(answer, invalid, 'at once')
    assert.equal(keyReads(), 1, 'at once')
    for (const token of flood) assert.equal((await on.show(token)).status, 401)
    assert.equal(keyReads(), 1, 'one after another')
    assert.equal(on.statements.length, 1, 'and nothing else is read for them')
    assert.equal((await on.show(on.token)).status, 200)
    on.machine.clock.advance(60)
    assert.equal((await on.show(flood[0] ?? '')).status, 401)
    assert.equal(keyReads(), 2, 'a new interval, one more read')
    assert.equal(await contentsOf(on.db), before)
  })

  it('A-47: a crit header, known or unknown, well-formed or not, and b64 are refused', async () => {
    const on = await stage(open)
    const crits = [['b64'], ['exp'], ['alg'], ['b64', 'b64'], [], ['unknown'], 'b64', {}, null, [7]]
    const headers = [
      ...crits.map((crit) => ({ crit })),
      ...crits.map((crit) => ({ crit, b64: false, unknown: true })),
      { b64: false },
      { b64: true },
    ]
    await expectAllRefused(
      on,
      headers.map((header) => [JSON.stringify(header), on.forge.sign({ header })]),
    )
  })

  it('A-48: a member named twice, spelled out or escaped, is refused though it is signed', async () => {
    const on = await stage(open)
    const { headerText: header, claimsText: claims } = on.forge
    const twice = (text: string, member: string) => [
      text.replace('{', `{${member},`),
      text.replace(/\}$/, `,${member}}`),
    ]
    const inHeader = ['"alg":"ES256"', '"\\u0061lg":"ES256"', '"alg":"none"', '"typ":"at+jwt"', '"kid":"x"']
    const inClaims = [
      '"sub":"victim"',
      '"\\u0073ub":"victim"',
      '"exp":4000000000',
      '"e\\u0078p":4000000000',
      '"aud":"x"',
    ]
    await expectAllRefused(on, [
      ...inHeader.flatMap((member) =>
        twice(header, member).map((text): Case => [text, on.forge.signTexts(text, claims)]),
      ),
      ...inClaims.flatMap((member) =>
        twice(claims, member).map((text): Case => [text, on.forge.signTexts(header, text)]),
      ),
      ['inside a member', on.forge.signTexts(header, claims.replace(/\}$/, ',"x":{"a":1,"a":1}}'))],
    ])
  })

  it('A-49: one token has one spelling: no padding, other alphabet, white space, spare bits, parts or forms', async () => {
    const on = await stage(open)
    const [header = '', payload = '', signature = ''] = on.token.split('.')
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const spare = (part: string, add: number) => {
      const at = alphabet.indexOf(part.at(-1) ?? '')
      return part.slice(0, -1) + alphabet[(at & ~15) | ((at + add) & 15)]
    }
    const standard = on.token.replaceAll('-', '+').replaceAll('_', '/')
    const { headerText, claimsText } = on.forge
    const bytes = (text: string, ...extra: number[]) =>
      Buffer.concat([Buffer.from(extra), Buffer.from(text)]).toString('base64url')
    const signedPart = (part: string) => on.forge.signTexts(headerText, part)
    await expectAllRefused(on, [
      ['padding', `${header}.${payload}.${signature}==`],
      ['padding within', `${header}=.${payload}.${signature}`],
      ...(standard === on.token ? [] : [['the standard alphabet', standard] as const]),
      ['spare bits of the signature', `${header}.${payload}.${spare(signature, 1)}`],
      ['other spare bits', `${header}.${payload}.${spare(signature, 7)}`],
      ['one character more', `${header}.${payload}.${signature}A`],
      ['an empty payload', `${header}..${signature}`],
      ['an empty header', `.${payload}.${signature}`],
      ['nothing but dots', '..'],
      ['two parts', `${header}.${payload}`],
      ['four parts', `${on.token}.`],
      ['five parts', `${on.token}.AA.AA`],
      ['a full stop first', `.${on.token}`],
      ['a tilde', `${on.token}~`],
      ['a byte order mark in the header', `${bytes(headerText, 0xef, 0xbb, 0xbf)}.${payload}.${signature}`],
      ['invalid UTF-8 in the header', `${bytes(headerText, 0xff)}.${payload}.${signature}`],
      ['a byte order mark in signed claims', signedPart(`\ufeff${claimsText}`)],
      ['a lone surrogate in signed claims', signedPart(claimsText.replace(/\}$/, ',"x":"\\ud800"}'))],
      ['signed claims that are a list', signedPart(`[${claimsText}]`)],
      ['signed claims with something after', signedPart(`${claimsText}x`)],
      ['signed claims that are nothing', signedPart('')],
    ])
    const before = await contentsOf(on.db)
    for (const spelled of [
      `${header} .${payload}.${signature}`,
      `${on.token} x`,
      `x ${on.token}`,
      `{"payload":"${payload}"}`,
      `${on.token},${on.token}`,
    ])
      assert.notEqual((await on.show(spelled)).status, 200, spelled)
    assert.equal(await contentsOf(on.db), before)
  })

  it('A-50: a token that is too long, too deep or too wide is refused before anything is read for it', async () => {
    const on = await stage(open)
    const { headerText, claimsText } = on.forge
    const withMember = (member: string) =>
      on.forge.signTexts(headerText, claimsText.replace(/\}$/, `,"x":${member}}`))
    const unsigned = (text: string) => `${partOf(headerText)}.${partOf(text)}.${on.token.split('.')[2]}`
    const tooMuch: Case[] = [
      ['8 KiB and more', withMember(`"${'a'.repeat(8192)}"`)],
      ['a megabyte', on.token + 'A'.repeat(1_000_000)],
      ['100,000 members', unsigned(`{${Array.from({ length: 100_000 }, (_, at) => `"${at}":0`).join(',')}}`)],
      ['depth 17', withMember(`${'['.repeat(17)}${']'.repeat(17)}`)],
      ['depth 2,000', withMember(`${'['.repeat(2000)}${']'.repeat(2000)}`)],
      ['1,001 elements', withMember(`[${'0,'.repeat(1000)}0]`)],
      ['a number of 3,000 digits', withMember('9'.repeat(3000))],
    ]
    await expectAllRefused(on, tooMuch)
    on.statements.length = 0
    for (const [, token] of tooMuch) await on.show(token)
    assert.deepEqual(on.statements, [])
    assert.equal((await on.show(withMember('[[[[1]]]]'))).status, 200, 'within the bounds')
  })

  it('A-51: no other kind of token passes for an access token, and none of ours for another', async () => {
    const on = await stage(open)
    const types = [
      'JWT',
      'jwt',
      'id_token',
      'logout+jwt',
      'secevent+jwt',
      'dpop+jwt',
      'statuslist+jwt',
      'client-authentication+jwt',
      'oauth-authz-req+jwt',
      'token-introspection+jwt',
      'at',
      'jwt+at',
      'x-at+jwt',
      'at+jwt ',
      'application/application/at+jwt',
      '',
      null,
      7,
      ['at+jwt'],
      undefined,
    ]
    await expectAllRefused(
      on,
      types.map((typ) => [`typ ${JSON.stringify(typ)}`, on.forge.sign({ header: { typ } })]),
    )
    for (const typ of ['AT+JWT', 'application/at+jwt'])
      assert.equal((await on.show(on.forge.sign({ header: { typ } }))).status, 200, typ)
    const pair = await on.tokens('ada@example.org')
    const { browser } = await on.member('bo@example.org')
    const cookie = browser.cookies.get('__Host-Http-session') ?? ''
    for (const other of [pair.refresh_token, cookie])
      await expectRefused(await on.show(other), invalid, other.slice(0, 8))
    const refresh = (refresh_token: string) =>
      on.program().send('POST', '/oauth/token', { form: { grant_type: 'refresh_token', refresh_token } })
    for (const other of [pair.access_token, cookie])
      await expectRefused(await refresh(other), { status: 400, code: 'invalid_grant' }, other.slice(0, 8))
    assert.equal((await refresh(pair.refresh_token)).status, 200)
    const asCookie = { cookie: `__Host-Http-session=${pair.refresh_token.replace('cfr_', '')}` }
    assert.equal((await on.program().get('/auth/session', asCookie)).status, 401)
  })

  it('A-52: iss and aud are compared as they are written, and a list is good for us alone', async () => {
    const on = await stage(open)
    const own = on.issuer
    const issuers = [
      `${own}/`,
      own.toUpperCase(),
      'http://localhost',
      'http://localhost:3001',
      'https://localhost:3000',
      'http://localhost.:3000',
      'http://lоcalhost:3000',
      'http://localhost\u3002:3000',
      ` ${own}`,
      '',
      null,
      7,
      [own],
    ]
    const audiences = [
      `${own}/`,
      own.slice(0, -1),
      `${own}.evil.example`,
      own.toUpperCase(),
      [own, 'https://evil.example'],
      [own, own],
      [],
      '',
      [''],
      7,
      null,
      [7],
      {},
      undefined,
    ]
    await expectAllRefused(on, [
      ...issuers.map((iss): Case => [`iss ${JSON.stringify(iss)}`, on.forge.sign({ claims: { iss } })]),
      ...audiences.map((aud): Case => [`aud ${JSON.stringify(aud)}`, on.forge.sign({ claims: { aud } })]),
    ])
    assert.equal((await on.show(on.forge.sign({ claims: { aud: [own] } }))).status, 200)
  })

  it('A-53: exp, nbf and iat are whole seconds, an exp of exactly now has passed, and nothing comes from the future', async () => {
    const on = await stage(open)
    const now = on.machine.clock.now()
    const { headerText, claimsText } = on.forge
    const spelled = (name: string, text: string): Case => {
      const changed = claimsText.replace(new RegExp(`"${name}":\\d+`), `"${name}":${text}`)
      return [`${name} ${text}`, on.forge.signTexts(headerText, changed)]
    }
    const noTimes = [
      '"1900000000"',
      '-1',
      '1e400',
      '1800000000.5',
      'null',
      '[1900000000]',
      '{}',
      'true',
      '9007199254740993',
    ]
    const claims = (given: Record<string, unknown>): Case => [
      JSON.stringify(given),
      on.forge.sign({ claims: given }),
    ]
    await expectAllRefused(on, [
      ...['exp', 'iat', 'auth_time', 'as_of'].flatMap((name) => [
        claims({ [name]: undefined }),
        ...noTimes.map((text) => spelled(name, text)),
      ]),
      ...['"1"', -1, 1.5, null, []].map((nbf) => claims({ nbf })),
      claims({ nbf: now + 1 }),
      claims({ iat: now + 6, exp: now + 300 }),
      claims({ iat: now + 86_400, exp: now + 90_000 }),
      claims({ iat: now, exp: now }),
      claims({ iat: now, exp: now + 86_401 }),
    ])
    await expectAllRefused(
      on,
      [claims({ iat: now - 300, exp: now }), claims({ iat: now - 300, exp: now - 1 })],
      expired,
    )
    for (const good of [{ iat: now - 300, exp: now + 1 }, { iat: now + 5, exp: now + 300 }, { nbf: now }])
      assert.equal((await on.show(on.forge.sign({ claims: good }))).status, 200, JSON.stringify(good))
    on.machine.clock.advance(299)
    assert.equal((await on.show(on.token)).status, 200)
    on.machine.clock.advance(1)
    await expectRefused(await on.show(on.token), expired, 'its own end')
  })
})

onEachEngine('tokens of keys that changed', (open) => {
  const kidOf = (token: string): string =>
    JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid

  it('A-54: a retired key is believed while its tokens can live and not after; the new one signs at once', async () => {
    const on = await stage(open)
    await on.house.keys.rotate('now')
    const fresh = await on.tokens('ada@example.org')
    assert.notEqual(kidOf(fresh.access_token), kidOf(on.token))
    assert.equal((await on.show(on.token)).status, 200, 'inside the overlap')
    assert.equal((await on.show(fresh.access_token)).status, 200)
    on.machine.clock.advance(370)
    const now = on.machine.clock.now()
    const late = on.forge.sign({ claims: { iat: now, exp: now + 300 } })
    await expectRefused(await on.show(late), invalid, 'the old key, outside the overlap')
    const { access_token: next } = await on.tokens('ada@example.org')
    assert.equal((await on.show(next)).status, 200)
  })

  it('A-54: a key that is only published is known to verifiers and signs nothing yet', async () => {
    const on = await stage(open)
    await on.house.keys.rotate('published')
    const { access_token } = await on.tokens('ada@example.org')
    assert.equal(kidOf(access_token), kidOf(on.token))
    const jwks = await (await on.program().get('/.well-known/jwks.json')).json()
    assert.ok(jwks.keys.length >= 2)
    on.machine.clock.advance(25 * 3600)
    const { access_token: later } = await on.tokens('ada@example.org')
    assert.notEqual(kidOf(later), kidOf(on.token))
    assert.ok(
      jwks.keys.some(({ kid }: { kid: string }) => kid === kidOf(later)),
      'it was published a day before',
    )
  })

  it('A-54: what a compromised key has signed is refused at once, whoever signed it, and the reserve key takes over', async () => {
    const on = await stage(open)
    const announced = (await on.house.keys.list()).find(({ state }) => state === 'reserve')
    assert.equal((await on.show(on.token)).status, 200)
    on.machine.clock.advance(10)
    const [, afterwards] = await Promise.all([on.show(on.token), on.house.keys.rotate('compromised')])
    assert.ok(afterwards.length > 0)
    const before = await contentsOf(on.db)
    await expectRefused(await on.show(on.token), invalid, 'the genuine token')
    const now = on.machine.clock.now()
    await expectRefused(await on.show(on.forge.sign({ claims: { iat: now } })), invalid, "the thief's token")
    on.machine.clock.advance(60)
    await expectRefused(await on.show(on.token), invalid, 'a minute later')
    assert.equal(await contentsOf(on.db), before)
    const fresh = await on.tokens('ada@example.org')
    assert.equal(kidOf(fresh.access_token), announced?.kid)
    assert.equal((await on.show(fresh.access_token)).status, 200)
  })
})
