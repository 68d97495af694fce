import { accepted, type Check, refused, skipped, unjudged } from './check.ts'
import { isObject, memberOf, type Obtained } from './description.ts'
import { readJwt } from './jwt.ts'
import { lacks } from './lacking.ts'
import { genuine, living, type Scene, type Session } from './scene.ts'
import { genuineToken, showAll } from './token-checks.ts'

const longestLifeSeconds = 43_200

const immortal: Check = {
  id: 'token-long-lived',
  sentence: 'Access tokens live for more than half a day, or for ever.',
  severity: 'medium',
  remedy: 'Let access tokens live for minutes, and refresh them.',
  async run(scene) {
    const { jwt } = await genuineToken(scene)
    const { exp, iat } = jwt.claims
    if (typeof exp !== 'number') return accepted('the token has no expiry')
    const life = Math.round(exp - (typeof iat === 'number' ? iat : scene.tools.clock.now()))
    return life > longestLifeSeconds
      ? accepted(`the token lives for ${life} seconds`)
      : refused(`the token lives for ${life} seconds`)
  },
}

/** A genuine token that nobody should believe here, given as it is or got by a request. */
async function obtained(scene: Scene, given: Obtained): Promise<string> {
  const session = await living(scene, 'token')
  const token = typeof given === 'string' ? given : await requested(scene, given, session)
  const bound = readJwt(token)?.claims.cnf
  if (isObject(bound) && bound.jkt !== session.holder?.thumbprint)
    throw unjudged('the token is bound to a key that is not ours, so its refusal proves nothing')
  return token
}

async function requested(scene: Scene, given: Exclude<Obtained, string>, session: Session): Promise<string> {
  const answer = await genuine(scene, { route: given.request, session })
  const token = memberOf(answer.body, given.member)
  if (token === null) throw unjudged(`the token could not be got: ${answer.status}`)
  return token
}

const expired: Check = {
  id: 'token-expired',
  sentence: 'A token is believed after its expiry.',
  severity: 'high',
  remedy: 'Compare exp with the time, with a leeway of seconds.',
  async run(scene) {
    const given = scene.description.token?.expired
    if (given == null) return skipped(lacks('token.expired'))
    const token = await obtained(scene, given)
    scene.redaction.hide(token)
    const exp = readJwt(token)?.claims.exp
    if (typeof exp === 'number' && exp > scene.tools.clock.now() - 60)
      return skipped('token.expired is not expired for a minute yet')
    return showAll(scene, [{ what: 'the expired token', token }])
  },
}

const otherAudience: Check = {
  id: 'token-other-audience',
  sentence: 'A token that was made for another service is believed.',
  severity: 'high',
  remedy: 'Name the service in aud, and refuse a token whose aud is not yours (RFC 8725 section 3.9).',
  async run(scene) {
    const given = scene.description.token?.other_audience
    if (given == null) return skipped(lacks('token.other_audience'))
    const token = await obtained(scene, given)
    const exp = readJwt(token)?.claims.exp
    if (typeof exp === 'number' && exp <= scene.tools.clock.now())
      return skipped('token.other_audience has expired, so its refusal proves nothing')
    return showAll(scene, [{ what: 'the token for another audience', token }])
  },
}

export const tokenUseChecks: readonly Check[] = [immortal, expired, otherAudience]
