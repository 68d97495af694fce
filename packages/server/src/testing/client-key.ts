import { encodeBase64url } from '@counterfoil/verifier'
import type { SigningAlgorithm } from '../machine.ts'
import { systemSigning } from '../node/signing.ts'

/** A client's own key: what it registers, and what it signs with it. */
export type ClientKey = {
  readonly jwk: Readonly<Record<string, string>>
  /** Its public half, as an operator would register it. */
  readonly jwks: string
  /** Any JWT at all. */
  sign(header: object, claims: object): string
  /** An assertion that is right but for what is given; `undefined` takes a member out. */
  assertion(given: {
    clientId: string
    issuer: string
    now: number
    jti?: string
    header?: object
    claims?: object
  }): string
}

const part = (value: object) => encodeBase64url(new TextEncoder().encode(JSON.stringify(value)))
let made = 0

export async function clientKey(algorithm: SigningAlgorithm = 'ES256'): Promise<ClientKey> {
  const { publicJwk, privateJwk } = await systemSigning.generate(algorithm)
  const signer = systemSigning.load(privateJwk, algorithm)
  const sign = (header: object, claims: object) => {
    const input = `${part(header)}.${part(claims)}`
    return `${input}.${encodeBase64url(signer(input))}`
  }
  return {
    jwk: publicJwk,
    jwks: JSON.stringify({ keys: [publicJwk] }),
    sign,
    assertion({ clientId, issuer, now, jti = `assertion-${++made}`, header = {}, claims = {} }) {
      const typ = 'client-authentication+jwt'
      const usual = { iss: clientId, sub: clientId, aud: issuer, iat: now, exp: now + 60, jti }
      return sign({ alg: algorithm, kid: publicJwk.kid, typ, ...header }, { ...usual, ...claims })
    },
  }
}

/** The fields of a form in which a client shows an assertion. */
export function assertionForm(assertion: string): Record<string, string> {
  return {
    client_assertion: assertion,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  }
}
