import type { SigningAlgorithm } from '../machine.ts'
import { accepted, type Check, type Outcome, refused, skipped, unjudged } from './check.ts'
import {
  guessedSecret,
  type Jwt,
  jwtOf,
  macOf,
  type Part,
  publicKeysOf,
  readJwt,
  spellingsOf,
} from './jwt.ts'
import { flagOf, lacks } from './lacking.ts'
import { isAlive, living, type Scene, type Session } from './scene.ts'
import type { Answer } from './wire.ts'

const keyRemedy =
  'Choose key and algorithm yourself: one key has exactly one algorithm, and nothing in the token decides either (RFC 8725 section 3.1).'

const noKeys = `there is no public key at token.keys (${flagOf('token.keys')})`

type Forged = { what: string; token: string }

/** `showing`: the same session with another token in its place. */
export type Carried = { session: Session; jwt: Jwt; showing: (token: string) => Session }

/** The access token; where there are no tokens, a session cookie that is one. */
export async function genuineToken(scene: Scene): Promise<Carried> {
  if (scene.description.token !== null) {
    const session = await living(scene, 'token')
    const jwt = readJwt(session.access)
    if (jwt === null) throw unjudged('the access token is opaque')
    const isBound = ({ claims }: Jwt) => claims.cnf !== undefined
    return {
      ...{ session, jwt },
      showing(access) {
        const other = readJwt(access)
        // What is bound to nobody would be refused as bound.
        const isPlain = isBound(jwt) && other !== null && !isBound(other)
        return { ...session, access, holder: isPlain ? null : session.holder }
      },
    }
  }
  const session = await living(scene, 'cookie')
  for (const name of scene.cookieNames) {
    const jwt = readJwt(session.jar.get(name) ?? null)
    const showing = (token: string) => ({ ...session, jar: new Map([...session.jar, [name, token]]) })
    if (jwt !== null) return { session, jwt, showing }
  }
  throw unjudged(`${lacks('token.sign_in')}, and the session cookie is no token`)
}

/** Shows each; where none is believed the genuine token must be, or nothing is proven. */
export async function showAll(scene: Scene, forged: readonly Forged[]): Promise<Outcome> {
  const { session, showing } = await genuineToken(scene)
  for (const { what, token } of forged) {
    scene.redaction.hide(token)
    if (await isAlive(scene, showing(token))) return accepted(`${what}: signed in`)
  }
  await living(scene, session.carrier)
  return refused(`${forged.length} refused; the genuine token is signed in`)
}

type Rule = { id: string; sentence: string; severity: Check['severity']; remedy: string }

/** A check that shows forged tokens; `make` answers why there are none where it cannot forge. */
function tokenCheck(rule: Rule, make: (scene: Scene, jwt: Jwt) => Promise<Forged[] | string>): Check {
  return {
    ...rule,
    async run(scene) {
      const { jwt } = await genuineToken(scene)
      const forged = await make(scene, jwt)
      return typeof forged === 'string' ? skipped(forged) : showAll(scene, forged)
    },
  }
}

/** Other claims than were signed, which whoever does not look at the signature would believe. */
const changed = (claims: Part): Part => ({ ...claims, added: 'by the attacker' })

const unchecked = tokenCheck(
  {
    id: 'token-signature-unchecked',
    sentence: 'A token whose claims were changed after it was signed is believed.',
    severity: 'high',
    remedy: 'Check the signature of every token before you read anything in it.',
  },
  async (_, { header, claims, signature }) => [
    { what: 'other claims under the old signature', token: jwtOf(header, changed(claims), () => signature) },
  ],
)

const stripped = tokenCheck(
  {
    id: 'token-signature-missing',
    sentence: 'A token without a signature is believed although its header names an algorithm.',
    severity: 'high',
    remedy: 'Treat an empty signature as a wrong one.',
  },
  async (_, { header, claims }) => [{ what: 'no signature', token: jwtOf(header, claims, () => '') }],
)

const none = tokenCheck(
  {
    id: 'token-alg-none',
    sentence: 'A token that says it is not signed is believed.',
    severity: 'high',
    remedy: keyRemedy,
  },
  async (_, { header, claims }) =>
    ['none', 'None', 'NONE', 'nOnE', ''].map((alg) => ({
      what: `alg "${alg}"`,
      token: jwtOf({ ...header, alg }, claims, () => ''),
    })),
)

async function keySet(scene: Scene): Promise<Answer> {
  const path = scene.description.token?.keys ?? '/.well-known/jwks.json'
  if (!/^\/[\x21-\x7e]*$/.test(path)) throw unjudged('token.keys is no path')
  return scene.send({ method: 'GET', path, headers: [] })
}

const confused = tokenCheck(
  {
    id: 'token-alg-confusion',
    sentence: 'A token that is signed with the public key as if it were a shared secret is believed.',
    severity: 'high',
    remedy: keyRemedy,
  },
  async (scene, { header, claims }) => {
    if (/^HS/.test(String(header.alg)))
      return 'the tokens are made with a shared secret; see token-weak-secret'
    const { keys } = publicKeysOf((await keySet(scene)).body)
    if (keys.length === 0) return noKeys
    const mine = keys.filter(({ jwk }) => header.kid === undefined || jwk.kid === header.kid)
    return (mine.length > 0 ? mine : keys).flatMap((key) =>
      spellingsOf(key).map((secret, index) => ({
        what: `HS256 with the public key as secret (spelling ${index + 1})`,
        token: jwtOf({ ...header, alg: 'HS256' }, claims, (input) => macOf('HS256', input, secret) ?? ''),
      })),
    )
  },
)

const weak: Check = {
  id: 'token-weak-secret',
  sentence: 'Tokens are signed with a secret that everybody tries first.',
  severity: 'high',
  remedy: 'Draw the secret at random, 32 bytes or more, or sign with a key pair.',
  async run(scene) {
    const { jwt } = await genuineToken(scene)
    if (!/^HS/.test(String(jwt.header.alg))) return refused('the tokens are signed with a key pair')
    // The secret itself stays out of the report: it opens everything.
    return guessedSecret(jwt) === null
      ? refused('no common secret fits the signature (tried here, without a request)')
      : accepted('a common secret fits the signature; the guess is left out of this report')
  },
}

async function ownKey(scene: Scene, algorithm: SigningAlgorithm) {
  const { publicJwk, privateJwk } = await scene.tools.signing.generate(algorithm)
  const sign = scene.tools.signing.load(privateJwk, algorithm)
  return { publicJwk, sign: (input: string) => Buffer.from(sign(input)).toString('base64url') }
}

/** Our own key under the algorithm that the target knows, where it is one of a key pair. */
function algorithmFor({ header }: Jwt): SigningAlgorithm {
  if (header.alg === 'RS256') return 'RS256'
  return header.alg === 'EdDSA' || header.alg === 'Ed25519' ? 'Ed25519' : 'ES256'
}

const embedded = tokenCheck(
  {
    id: 'token-own-key-embedded',
    sentence: 'A token that brings the key to check it with (jwk) is believed.',
    severity: 'high',
    remedy: 'Take keys only from where you configured them; leave jwk and x5c in a token unread.',
  },
  async (scene, jwt) => {
    const algorithm = algorithmFor(jwt)
    const { publicJwk, sign } = await ownKey(scene, algorithm)
    const alg = jwt.header.alg === 'EdDSA' ? 'EdDSA' : algorithm
    const { kid, ...jwk } = publicJwk
    const headers = [
      { ...jwt.header, alg, jwk },
      { ...jwt.header, alg, kid, jwk: publicJwk },
    ]
    return headers.map((header) => ({
      what: `${alg} by a key in the header`,
      token: jwtOf(header, jwt.claims, sign),
    }))
  },
)

const fetched: Check = {
  id: 'token-own-key-fetched',
  sentence:
    'A token that says where to fetch the key to check it with (jku, x5u) is believed, or makes the target fetch.',
  severity: 'high',
  remedy: 'Take keys only from the addresses you configured; leave jku and x5u in a token unread.',
  async run(scene) {
    const { jwt } = await genuineToken(scene)
    if (scene.tools.hostKeys === null)
      return skipped('only a target on this machine can reach the key that it would be told of')
    const algorithm = algorithmFor(jwt)
    const { publicJwk, sign } = await ownKey(scene, algorithm)
    const host = await scene.tools.hostKeys(JSON.stringify({ keys: [publicJwk] }))
    try {
      const { kid } = publicJwk
      const alg = jwt.header.alg === 'EdDSA' ? 'EdDSA' : algorithm
      const forged = ['jku', 'x5u'].map((name) => {
        const header = { ...jwt.header, alg, kid, [name]: host.url }
        return {
          what: `${alg} by a key that ${name} leads to`,
          token: jwtOf(header, jwt.claims, sign),
        }
      })
      const outcome = await showAll(scene, forged)
      if (outcome.verdict === 'accepted' || host.asked() === 0) return outcome
      return {
        ...accepted('the token was refused, but the target fetched what it points at'),
        severity: 'medium',
      }
    } finally {
      await host.close()
    }
  },
}

const path = '../../../../../../../dev/null'

const keyByName = tokenCheck(
  {
    id: 'token-key-by-name',
    sentence:
      'The key id of a token is used as a path or in a query, and so chooses a key that the attacker knows.',
    severity: 'high',
    remedy: 'Look key ids up in a fixed table; an unknown one is refused.',
  },
  async (_, { header, claims }) =>
    [
      [path, ''],
      ['/dev/null', ''],
      ["x' UNION SELECT 'attacker' -- ", 'attacker'],
      ['__proto__', ''],
      ['constructor', ''],
    ].map(([kid = '', secret = '']) => ({
      what: `HS256 by kid ${kid}`,
      token: jwtOf({ ...header, alg: 'HS256', kid }, claims, (input) => macOf('HS256', input, secret) ?? ''),
    })),
)

const leaking: Check = {
  id: 'keys-leak',
  sentence: 'The published key set holds a private key or a shared secret.',
  severity: 'high',
  remedy: 'Publish the public members alone, and replace the key: it is known by now.',
  async run(scene) {
    const { keys, leaks } = publicKeysOf((await keySet(scene)).body)
    if (leaks) return accepted('a key of the set has its secret part')
    return keys.length === 0 ? skipped(noKeys) : refused(`${keys.length} keys, all public`)
  },
}

export const tokenChecks: readonly Check[] = [
  ...[unchecked, stripped, none, confused, weak, embedded, fetched, keyByName, leaking],
]
