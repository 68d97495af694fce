import assert from 'node:assert/strict'
import { decodeBase64url, encodeBase64url } from '@counterfoil/verifier'
import { type OpenTestDatabase, openHouse, type TestHouse } from 'counterfoil/house'
import { contentsOf, expectRefused } from './evidence.ts'

type Part = Readonly<Record<string, unknown>>

export type Forge = {
  /** What the genuine token says, to be changed. */
  readonly header: Part
  readonly claims: Part
  /** The worst case: a token of any content, signed with the very key that the server signs with. */
  sign(changes: { header?: Part; claims?: Part }): string
  /** The same over exact texts, for what JSON.stringify would never write. */
  signTexts(header: string, payload: string): string
  /** The genuine header and claims as JSON text. */
  readonly headerText: string
  readonly claimsText: string
}

/** Takes the signing key out of the database with the root secret, as only the server itself can. */
export async function forgeWith({ db, machine }: TestHouse, token: string): Promise<Forge> {
  const [headerPart = '', claimsPart = ''] = token.split('.')
  const headerText = textOf(headerPart)
  const claimsText = textOf(claimsPart)
  const header = JSON.parse(headerText) as Part
  const claims = JSON.parse(claimsText) as Part
  const row = await db
    .selectFrom('signing_key')
    .selectAll()
    .where('kid', '=', String(header.kid))
    .executeTakeFirstOrThrow()
  assert.equal(row.algorithm, 'ES256')
  const sign = machine.signing.load(
    machine.secrets.unwrap('signing_key', row.wrapped_private, row.kid),
    'ES256',
  )

  function signTexts(headerGiven: string, payload: string): string {
    const input = `${partOf(headerGiven)}.${partOf(payload)}`
    return `${input}.${encodeBase64url(sign(input))}`
  }
  return {
    header,
    claims,
    headerText,
    claimsText,
    signTexts,
    sign: (changes) =>
      signTexts(
        JSON.stringify({ ...header, ...changes.header }),
        JSON.stringify({ ...claims, ...changes.claims }),
      ),
  }
}

export function partOf(text: string): string {
  return encodeBase64url(new TextEncoder().encode(text))
}

export function textOf(part: string): string {
  return new TextDecoder().decode(decodeBase64url(part) ?? new Uint8Array())
}

export type Case = readonly [what: string, token: string]
export type Stage = TestHouse & { forge: Forge; token: string; show(token: string): Promise<Response> }

export const invalid = { status: 401, code: 'credential_invalid' }

export async function stage(open: OpenTestDatabase, policy: object = {}): Promise<Stage> {
  const house = await openHouse(open, { policy })
  const { email } = await house.member()
  const { access_token: token } = await house.tokens(email)
  const forge = await forgeWith(house, token)
  const app = house.program()
  const show = (shown: string) => app.get('/auth/session', { authorization: `Bearer ${shown}` })
  return { ...house, forge, token, show }
}

/** The genuine token and the forger's copy of it are taken; every case is refused alike, and nothing is written. */
export async function expectAllRefused(on: Stage, cases: readonly Case[], expected = invalid): Promise<void> {
  assert.equal((await on.show(on.token)).status, 200)
  assert.equal((await on.show(on.forge.sign({}))).status, 200)
  const before = await contentsOf(on.db)
  for (const [what, token] of cases) {
    assert.notEqual(token, on.token, what)
    await expectRefused(await on.show(token), expected, what)
  }
  assert.equal(await contentsOf(on.db), before)
  assert.deepEqual(on.machine.errorLines, [], 'a refusal is no breakage')
  assert.equal((await on.show(on.token)).status, 200)
}
