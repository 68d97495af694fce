import assert from 'node:assert/strict'
import {
  createHmac,
  createPublicKey,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  sign as signBytes,
} from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { it } from 'node:test'
import { onEachEngine, openHouse } from 'counterfoil/house'
import { contentsOf, expectRefused } from './evidence.ts'
import { type Case, expectAllRefused, invalid, partOf, stage } from './forge.ts'

onEachEngine('tokens that are not ours', (open) => {
  it('A-37: a token without a signature, or with an alg that is none, missing or no text, is refused', async () => {
    const on = await stage(open)
    const [header = '', payload = '', signature = ''] = on.token.split('.')
    const algs = [
      'none',
      'None',
      'noNE',
      'NONE',
      '',
      ' ES256',
      'es256',
      'HS256',
      0,
      null,
      true,
      ['ES256'],
      {},
    ]
    const signed = algs.map((alg): Case => [`alg ${JSON.stringify(alg)}`, on.forge.sign({ header: { alg } })])
    const unsigned = ['none', 'None', 'noNE', ''].map((alg): Case => {
      return [`alg ${alg}, unsigned`, `${partOf(JSON.stringify({ ...on.forge.header, alg }))}.${payload}.`]
    })
    await expectAllRefused(on, [
      ...signed,
      ...unsigned,
      ['no alg', on.forge.sign({ header: { alg: undefined } })],
      ['an empty signature', `${header}.${payload}.`],
      ['no third part', `${header}.${payload}`],
      [
        'a signature of another token',
        `${header}.${partOf(JSON.stringify(on.forge.claims).replace('"sub":"', '"sub":"x'))}.${signature}`,
      ],
    ])
  })

  it('A-38: a public key, in whatever form it is published, is no HMAC secret', async () => {
    for (const accessTokenAlgorithm of ['ES256', 'RS256'] as const) {
      const house = await openHouse(open, { policy: { accessTokenAlgorithm } })
      const { email } = await house.member()
      const { access_token: token } = await house.tokens(email)
      const app = house.program()
      const show = (shown: string) => app.get('/auth/session', { authorization: `Bearer ${shown}` })
      const { keys } = (await (await app.get('/.well-known/jwks.json')).json()) as { keys: JsonWebKey[] }
      const [jwk = {}] = keys
      const key = createPublicKey({ key: jwk, format: 'jwk' })
      const secrets: [string, string | Buffer][] = [
        ['PEM', key.export({ type: 'spki', format: 'pem' })],
        ['PEM without its last line break', String(key.export({ type: 'spki', format: 'pem' })).trim()],
        ['DER', key.export({ type: 'spki', format: 'der' })],
        ['JWK', JSON.stringify(jwk)],
        ['the set', JSON.stringify({ keys })],
        ['nothing', ''],
      ]
      const [header = '', payload = ''] = token.split('.')
      const genuine = JSON.parse(Buffer.from(header, 'base64url').toString())
      assert.equal((await show(token)).status, 200)
      const before = await contentsOf(house.db)
      for (const [form, secret] of secrets) {
        for (const [alg, digest] of [
          ['HS256', 'sha256'],
          ['HS384', 'sha384'],
          ['HS512', 'sha512'],
        ] as const) {
          const input = `${partOf(JSON.stringify({ ...genuine, alg }))}.${payload}`
          const forged = `${input}.${createHmac(digest, secret).update(input).digest('base64url')}`
          await expectRefused(await show(forged), invalid, `${alg} with ${form}`)
        }
      }
      assert.equal(await contentsOf(house.db), before)
    }
  })

  it('A-39: a key checks signatures of its own algorithm and no other', async () => {
    const on = await stage(open)
    const others: [string, KeyObject][] = [
      ['RS256', generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey],
      ['PS256', generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey],
      ['ES384', generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey],
      ['ES256K', generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey],
      ['ES256', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey],
      ['Ed25519', generateKeyPairSync('ed25519').privateKey],
      ['EdDSA', generateKeyPairSync('ed25519').privateKey],
    ]
    const byStrangers = others.map(([alg, key]): Case => {
      const input = `${partOf(JSON.stringify({ ...on.forge.header, alg }))}.${partOf(on.forge.claimsText)}`
      const digest = alg.includes('Ed') ? null : alg === 'ES384' ? 'sha384' : 'sha256'
      const signature = signBytes(digest, Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' })
      return [`${alg} by a key of that kind`, `${input}.${signature.toString('base64url')}`]
    })
    const byOurs = others
      .filter(([alg]) => alg !== 'ES256')
      .map(([alg]): Case => [`${alg} by our ES256 key`, on.forge.sign({ header: { alg } })])
    await expectAllRefused(on, [...byStrangers, ...byOurs])
  })

  it('A-40: an ES256 signature of zeros, of the group order, in DER or of another length is refused', async () => {
    const on = await stage(open)
    const [header = '', payload = '', signature = ''] = on.token.split('.')
    const order = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'
    const zero = '00'.repeat(32)
    const one = `${'00'.repeat(31)}01`
    const raw = Buffer.from(signature, 'base64url')
    const [r, s] = [raw.subarray(0, 32).toString('hex'), raw.subarray(32).toString('hex')]
    const integer = (hex: string) =>
      `02${Number.parseInt(hex.slice(0, 2), 16) > 127 ? `2100${hex}` : `20${hex}`}`
    const body = integer(r) + integer(s)
    const forms: [string, string][] = [
      ['r = s = 0', zero + zero],
      ['r = 0', zero + s],
      ['s = 0', r + zero],
      ['r = 0, s = 1', zero + one],
      ['r = n', order + s],
      ['s = n', r + order],
      ['r = s = n', order + order],
      ['DER', `30${(body.length / 2).toString(16)}${body}`],
      ['63 bytes', (r + s).slice(0, -2)],
      ['65 bytes', `${r}${s}00`],
      ['r and s exchanged', s + r],
      ['nothing', ''],
    ]
    await expectAllRefused(
      on,
      forms.map(([what, hex]) => [
        what,
        `${header}.${payload}.${Buffer.from(hex, 'hex').toString('base64url')}`,
      ]),
    )
  })

  it('A-41: an Ed25519 signature that is small-order, non-canonical or of a stranger is refused', async () => {
    const house = await openHouse(open, { policy: { accessTokenAlgorithm: 'Ed25519' } })
    const { email } = await house.member()
    const { access_token: token } = await house.tokens(email)
    const app = house.program()
    const show = (shown: string) => app.get('/auth/session', { authorization: `Bearer ${shown}` })
    const [header = '', payload = '', signature = ''] = token.split('.')
    const raw = Buffer.from(signature, 'base64url')
    const groupOrder = 2n ** 252n + 27742317777372353535851937790883648493n
    const s = BigInt(`0x${Buffer.from(raw.subarray(32)).reverse().toString('hex')}`)
    const sPlusOrder = Buffer.from((s + groupOrder).toString(16).padStart(64, '0'), 'hex').reverse()
    const identity = Buffer.from(`01${'00'.repeat(31)}`, 'hex')
    const forged: [string, Buffer][] = [
      ['S + L', Buffer.concat([raw.subarray(0, 32), sPlusOrder])],
      ['R = identity, S = 0', Buffer.concat([identity, Buffer.alloc(32)])],
      ['all zeros', Buffer.alloc(64)],
      [
        'a stranger',
        signBytes(null, Buffer.from(`${header}.${payload}`), generateKeyPairSync('ed25519').privateKey),
      ],
    ]
    assert.equal((await show(token)).status, 200)
    const before = await contentsOf(house.db)
    for (const [what, bytes] of forged)
      await expectRefused(await show(`${header}.${payload}.${bytes.toString('base64url')}`), invalid, what)
    assert.equal(await contentsOf(house.db), before)
  })

  it('A-43: keys and addresses in the header choose nothing, and nobody is called', async () => {
    const on = await stage(open)
    const thief = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const jwk = { ...thief.publicKey.export({ format: 'jwk' }), kid: 'thief', alg: 'ES256', use: 'sig' }
    let calls = 0
    const trap = createServer((_, response) => {
      calls += 1
      response.end(JSON.stringify({ keys: [jwk] }))
    })
    await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve))
    const address = `http://127.0.0.1:${(trap.address() as AddressInfo).port}/`
    try {
      const bait: [string, Record<string, unknown>][] = [
        ['jwk', { jwk }],
        ['jku', { jku: address }],
        ['x5u', { x5u: address }],
        ['x5c', { x5c: [Buffer.from('certificate').toString('base64')] }],
        ['x5t', { x5t: 'AAAA', 'x5t#S256': 'AAAA' }],
        ['all of them', { jwk, jku: address, x5u: address, x5c: ['AAAA'] }],
      ]
      const cases = bait.flatMap(([what, members]) =>
        [on.forge.header.kid, 'thief'].map((kid): Case => {
          const input = `${partOf(JSON.stringify({ ...on.forge.header, kid, ...members }))}.${partOf(on.forge.claimsText)}`
          const key = { key: thief.privateKey, dsaEncoding: 'ieee-p1363' } as const
          return [
            `${what} for ${kid}`,
            `${input}.${signBytes('sha256', Buffer.from(input), key).toString('base64url')}`,
          ]
        }),
      )
      await expectAllRefused(on, cases)
      for (const [what, header] of bait)
        assert.equal(
          (await on.show(on.forge.sign({ header }))).status,
          200,
          `${what} beside our own signature`,
        )
      assert.equal(calls, 0)
      await fetch(address)
      assert.equal(calls, 1, 'the trap works')
    } finally {
      trap.close()
      trap.closeAllConnections()
    }
  })

  it('A-44: a kid that is a path, SQL, a name of every object, of no text or of 64 KiB is only an unknown key', async () => {
    const on = await stage(open)
    const kids = [
      '../../dev/null',
      "' or '1'='1",
      `${on.forge.header.kid}\0`,
      '\0',
      'a'.repeat(65_536),
      '__proto__',
      'constructor',
      'toString',
      '',
      7,
      null,
      {},
      [on.forge.header.kid],
    ]
    await expectAllRefused(
      on,
      kids.map((kid) => [`kid ${JSON.stringify(kid).slice(0, 40)}`, on.forge.sign({ header: { kid } })]),
    )
  })

  it('A-45: two keys of one kid, or a symmetric key among ours, stop every token instead of deciding about one', async () => {
    const on = await stage(open)
    const { kid } = on.forge.header
    const [row] = await on.db.selectFrom('signing_key').selectAll().where('kid', '=', String(kid)).execute()
    assert.ok(row)
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })
    for (const planted of [
      { ...other, kid, alg: 'ES256', use: 'sig' },
      { kty: 'oct', kid: 'planted', alg: 'HS256', k: 'AAAA' },
    ]) {
      const extra = { ...row, kid: 'planted', public_jwk: JSON.stringify(planted), retired_at: null }
      assert.equal((await on.show(on.token)).status, 200)
      await on.db.insertInto('signing_key').values(extra).execute()
      // Long enough for what is remembered of the token to need another look.
      on.machine.clock.advance(30)
      assert.equal((await on.show(on.token)).status, 503)
      await on.db.deleteFrom('signing_key').where('kid', '=', 'planted').execute()
    }
    assert.equal((await on.show(on.token)).status, 200)
  })
})
