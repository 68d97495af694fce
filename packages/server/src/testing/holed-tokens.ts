import {
  createHmac,
  createPublicKey,
  createSign,
  createVerify,
  generateKeyPairSync,
  type KeyObject,
  verify,
} from 'node:crypto'

type Part = Record<string, unknown>

export type HoledTokens = {
  issue(claims: Part): string
  /** The claims of a token that is believed. */
  read(token: string): Promise<Part | null>
  keySet(): string
}

const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const pem = String(pair.publicKey.export({ type: 'spki', format: 'pem' }))
const kid = 'the-only-key'
const dsaEncoding = 'ieee-p1363'
const encode = (part: Part) => Buffer.from(JSON.stringify(part)).toString('base64url')
const decode = (text: string): Part => JSON.parse(Buffer.from(text, 'base64url').toString())

/** A JWT library as careless as the open holes say. `fetchKeys` is how it would fetch a key from elsewhere. */
export function holedTokens(given: {
  holes: ReadonlySet<string>
  now: () => number
  fetchKeys: (url: string) => Promise<string>
}): HoledTokens {
  const { holes, now, fetchKeys } = given
  const open = (hole: string) => holes.has(hole)
  const isShared = open('token-weak-secret')
  const alg = isShared ? 'HS256' : 'ES256'
  const issued = new Set<string>()
  const mac = (input: string, secret: string | Buffer) =>
    createHmac('sha256', secret).update(input).digest('base64url')
  const signature = (input: string) =>
    isShared
      ? mac(input, 'secret')
      : createSign('sha256').update(input).sign({ key: pair.privateKey, dsaEncoding }, 'base64url')
  const fits = (key: KeyObject, input: string, sig: string) =>
    createVerify('sha256').update(input).verify({ key, dsaEncoding }, sig, 'base64url')

  async function isBelieved(header: Part, input: string, sig: string): Promise<boolean> {
    if (open('token-signature-unchecked') && issued.has(sig)) return true
    if (open('token-signature-missing') && sig === '' && header.alg === alg) return true
    if (open('token-alg-none') && sig === '' && /^(?:none)?$/i.test(String(header.alg))) return true
    if (open('token-key-by-name') && /\/dev\/null$/.test(String(header.kid)) && mac(input, '') === sig)
      return true
    if (open('token-alg-confusion') && !isShared && header.alg === 'HS256' && mac(input, pem) === sig)
      return true
    const jwk = header.jwk as Part | undefined
    if (open('token-own-key-embedded') && jwk !== undefined) {
      return fits(createPublicKey({ key: jwk, format: 'jwk' }), input, sig)
    }
    if (open('token-own-key-fetched') && typeof header.jku === 'string') {
      const [jwk] = JSON.parse(await fetchKeys(header.jku)).keys
      return fits(createPublicKey({ key: jwk, format: 'jwk' }), input, sig)
    }
    if (header.alg !== alg || header.kid !== kid || sig === '') return false
    return isShared
      ? signature(input) === sig
      : verify(
          'sha256',
          Buffer.from(input),
          { key: pair.publicKey, dsaEncoding },
          Buffer.from(sig, 'base64url'),
        )
  }

  return {
    issue(claims) {
      const input = `${encode({ alg, kid, typ: 'at+jwt' })}.${encode(claims)}`
      const sig = signature(input)
      issued.add(sig)
      return `${input}.${sig}`
    },
    async read(token) {
      const [header = '', payload = '', sig = '', ...rest] = token.split('.')
      try {
        if (rest.length > 0 || !(await isBelieved(decode(header), `${header}.${payload}`, sig))) return null
        const claims = decode(payload)
        if (!open('token-expired') && Number(claims.exp) <= now()) return null
        return open('token-other-audience') || claims.aud === 'app' ? claims : null
      } catch {
        return null
      }
    },
    keySet() {
      const key = open('keys-leak') ? pair.privateKey : pair.publicKey
      return JSON.stringify({ keys: [{ ...key.export({ format: 'jwk' }), kid, alg: 'ES256' }] })
    },
  }
}
