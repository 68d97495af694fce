import { accepted, type Check, type Outcome, refused, skipped } from './check.ts'
import { crossSites, evidences } from './evidence.ts'
import { evil, type Forgery, forge, preflightGrants, simpleTypes } from './forging.ts'
import { keepCookies, receivedCookies } from './received-cookies.ts'
import { bodyAs, filledRoute } from './route.ts'
import {
  credentialOf,
  fillingOf,
  isAlive,
  needRoute,
  ownEvidence,
  request,
  type Scene,
  signIn,
} from './scene.ts'
import type { Answer, Header } from './wire.ts'

const guardRemedy =
  'Refuse every unsafe request by cookie unless Sec-Fetch-Site is same-origin or none, or, where that header is missing, Origin is exactly your own.'

/** A browser that honours an explicit SameSite sends nothing from other sites, so less is lost. */
export function softened(scene: Scene, outcome: Outcome): Outcome {
  const set = scene.shared.get('session cookies') as
    | readonly { attributes: ReadonlyMap<string, string> }[]
    | undefined
  const holds = set?.some(({ attributes }) => /^(?:lax|strict)$/i.test(attributes.get('samesite') ?? ''))
  if (outcome.verdict !== 'accepted' || holds !== true) return outcome
  return {
    ...outcome,
    severity: 'low',
    evidence: `${outcome.evidence}; SameSite keeps most browsers from sending the cookie along, and is the only obstacle`,
  }
}

const byEvidence: Check[] = evidences.map(({ id, from: place, severity, headers }) => ({
  id: `forged-${id}`,
  sentence: `An act by cookie is accepted from ${place}.`,
  severity,
  remedy: guardRemedy,
  async run(scene) {
    const given = headers(scene)
    if (typeof given === 'string') return skipped(given)
    const act = needRoute(scene.description.act, 'act')
    if (act.method !== 'POST')
      return skipped(`browsers ask before they send ${act.method} elsewhere; see forged-preflighted`)
    const forgeries = given.flatMap((evidence) =>
      simpleTypes.map((type): Forgery => ({ what: `as ${type}`, headers: evidence, type })),
    )
    const { went, answers } = await forge(scene, forgeries)
    if (went === null)
      return refused(`answered ${answers} in every body type, without effect; the genuine act worked`)
    const outcome = accepted(`sent ${went}: answered ${answers}, and it took effect`)
    return crossSites.has(id) ? softened(scene, outcome) : outcome
  },
}))

const cross: Header[] = [
  ['Origin', evil],
  ['Sec-Fetch-Site', 'cross-site'],
]

const preflighted: Check = {
  id: 'forged-preflighted',
  sentence:
    'An act by cookie that names another origin is accepted; only the question that browsers ask before sending it stands in between.',
  severity: 'low',
  remedy: guardRemedy,
  async run(scene) {
    const act = needRoute(scene.description.act, 'act')
    const { went, answers } = await forge(scene, [
      { what: 'as described', headers: cross, type: act.type === 'form' ? 'form' : act.type },
    ])
    if (went === null) return refused(`answered ${answers}, without effect; the genuine act worked`)
    if (!(await preflightGrants(scene, { route: act, origin: evil })))
      return accepted(`answered ${answers}, and it took effect`)
    return {
      ...accepted(`answered ${answers}, and it took effect; the preflight lets any origin do it`),
      severity: 'high',
    }
  },
}

const byGet: Check = {
  id: 'forged-get',
  sentence: 'The act can be done by GET, as any link or image does.',
  severity: 'high',
  remedy: 'Let GET and HEAD change nothing; take the act by POST alone.',
  async run(scene) {
    if (needRoute(scene.description.act, 'act').method === 'GET')
      return accepted('the act itself is described as a GET')
    const { went, answers } = await forge(scene, [
      { what: 'by GET', method: 'GET', path: '?', headers: cross, type: null },
      { what: 'by HEAD', method: 'HEAD', path: '?', headers: cross, type: null },
    ])
    scene.shared.set('by get', went !== null)
    return went === null
      ? refused(`answered ${answers}, without effect`)
      : accepted(`${went}: answered ${answers}, and it took effect`)
  },
}

const overrides = ['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override']

const byOverride: Check = {
  id: 'forged-method-override',
  sentence:
    'A request whose real method is harmless is taken for another one, by a header, a parameter or a field.',
  severity: 'medium',
  remedy:
    'Switch method overriding off, or judge a request by the method that it overrides to, before everything else.',
  async run(scene) {
    const act = needRoute(scene.description.act, 'act')
    if (scene.shared.get('by get') === true) return skipped('a plain GET does it already')
    if (act.method === 'GET') return skipped('the act is a GET')
    const parameter: Forgery = {
      what: 'by _method in the query',
      method: 'GET',
      path: `?_method=${act.method}`,
      headers: cross,
      type: null,
    }
    const byHeader = overrides.map((name): Forgery => {
      return {
        what: `by ${name}`,
        method: 'GET',
        path: '?',
        headers: [...cross, [name, act.method]],
        type: null,
      }
    })
    const posted: Forgery = {
      what: 'by _method in a form',
      method: 'POST',
      path: `?_method=${act.method}`,
      headers: cross,
      type: 'form',
    }
    const { went, answers } = await forge(scene, [
      parameter,
      ...byHeader,
      ...(act.method === 'POST' ? [] : [posted]),
    ])
    return went === null
      ? refused(`answered ${answers}, without effect`)
      : accepted(`${went}: answered ${answers}, and it took effect`)
  },
}

const bySignOut: Check = {
  id: 'forged-sign-out',
  sentence: 'Another site can sign people out.',
  severity: 'low',
  remedy: 'Guard signing out as any other act, and never by GET.',
  async run(scene) {
    const route = needRoute(scene.description.sign_out, 'sign_out')
    if (!['POST', 'GET'].includes(route.method))
      return skipped(`browsers ask before they send ${route.method} elsewhere`)
    const filled = filledRoute({ ...route, headers: [] }, { ...fillingOf(scene), csrf: 'forged' })
    const session = await signIn(scene, { carrier: 'cookie' })
    for (const type of route.method === 'GET' ? [null] : simpleTypes) {
      const body = type === null ? { headers: [], body: null } : bodyAs(type, filled)
      const answer = await scene.send(request(filled, [...cross, ...credentialOf(session)], body))
      const clears = forgets(scene, { answer, jar: session.jar })
      if (clears || !(await isAlive(scene, session))) {
        const what = clears ? 'the browser is told to forget the cookie' : 'the session is over'
        return softened(scene, accepted(`answered ${answer.status}, and ${what}`))
      }
    }
    const honest = filledRoute(route, { ...fillingOf(scene), csrf: '' })
    if (route.method === 'POST' && !JSON.stringify(route).includes('{csrf}')) {
      const answer = await scene.send(
        request(honest, [...ownEvidence(scene.origin), ...credentialOf(session)]),
      )
      if (!forgets(scene, { answer, jar: session.jar }) && (await isAlive(scene, session)))
        return skipped('signing out honestly does not end the session either')
    }
    return refused('the session goes on')
  },
}

function forgets(
  { cookieNames }: Scene,
  given: { answer: Answer; jar: ReadonlyMap<string, string> },
): boolean {
  const after = new Map(given.jar)
  keepCookies(after, receivedCookies(given.answer))
  return cookieNames.some((name) => given.jar.has(name) && !after.has(name))
}

export const forgedChecks: readonly Check[] = [...byEvidence, preflighted, byGet, byOverride, bySignOut]
