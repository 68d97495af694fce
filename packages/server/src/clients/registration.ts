import {
  isJsonObject,
  type JsonObject,
  type JsonValue,
  parseJsonObject,
  parseKeySet,
} from '@counterfoil/verifier'
import { assertionAlgorithms } from './assertion.ts'
import { readScope } from './client.ts'

/** What an operator says of a new client. An `Error` names what is wrong with it and the remedy. */

const mostKeys = 10
/** Where there is only one algorithm for a kind of key, it need not be named. */
const impliedAlgorithms: Readonly<Record<string, string>> = { 'P-256': 'ES256', Ed25519: 'Ed25519' }
/** The members that an RFC 7638 thumbprint covers, in the order it wants them. */
const thumbprintMembers: Readonly<Record<string, readonly string[]>> = {
  EC: ['crv', 'kty', 'x', 'y'],
  OKP: ['crv', 'kty', 'x'],
  RSA: ['e', 'kty', 'n'],
}

export function checkedScope(text: string): string {
  const words = readScope(text)
  if (words === null)
    throw new Error(
      'The scope is words of printable ASCII without quotes and backslashes, one space between them.',
    )
  return words.join(' ')
}

/** A JWK set, or one JWK, of public keys: each with one algorithm and a name, which are filled in where they follow. */
export function checkedKeys(text: string, hash: (value: string) => string): string {
  const document = parseJsonObject(text)
  if (document === null) throw new Error('The keys are not strict JSON. Give a JWK set, or one JWK.')
  const given = Array.isArray(document.keys) ? document.keys : [document]
  if (given.length === 0 || given.length > mostKeys) throw new Error(`Give between 1 and ${mostKeys} keys.`)
  const keys = given.map((key) => completed(key, hash))
  const jwks = JSON.stringify({ keys })
  if (parseKeySet(jwks)?.size !== keys.length)
    throw new Error(
      'A key cannot be used: P-256, Ed25519 or RSA of 2,048 bits and more, for signatures, each with a "kid" of its own.',
    )
  return jwks
}

function completed(given: JsonValue, hash: (value: string) => string): JsonObject {
  const jwk = isJsonObject(given) ? given : {}
  if (jwk.d !== undefined || jwk.k !== undefined || jwk.kty === 'oct')
    throw new Error('The file holds a private key. It belongs to the client alone: give the public half.')
  const alg = jwk.alg ?? impliedAlgorithms[String(jwk.crv)]
  if (!assertionAlgorithms.some((one) => one === alg))
    throw new Error(`Each key names its one algorithm as "alg": ${assertionAlgorithms.join(', ')}.`)
  const members = thumbprintMembers[String(jwk.kty)] ?? []
  const print = () => hash(JSON.stringify(Object.fromEntries(members.map((name) => [name, jwk[name]]))))
  return { ...jwk, alg, kid: jwk.kid ?? print() }
}
