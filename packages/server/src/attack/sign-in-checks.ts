import { accepted, type Check, refused, skipped, unjudged } from './check.ts'
import { evil, preflightGrants, simpleTypes } from './forging.ts'
import { lacks } from './lacking.ts'
import { cookieText, keepCookies, receivedCookies } from './received-cookies.ts'
import { bodyAs, type Route } from './route.ts'
import {
  describeAnswer,
  isAlive,
  isSignedIn,
  living,
  needRoute,
  noCookie,
  request,
  type Scene,
  showsAccount,
  signIn,
  trySignIn,
} from './scene.ts'
import type { Answer, Header } from './wire.ts'

const loginRemedy =
  'Guard the sign-in as any other unsafe request, even though no cookie comes with it: it asks for one.'

const loginCsrf = (given: { id: string; from: string; evidence: readonly Header[] }): Check => ({
  id: `login-csrf${given.id}`,
  sentence: `A page of ${given.from} can sign a browser in to an account of the attacker's choice.`,
  severity: 'medium',
  remedy: loginRemedy,
  async run(scene) {
    const route = needRoute(scene.description.cookie?.sign_in, 'cookie.sign_in')
    const statuses: number[] = []
    const types = (await preflightGrants(scene, { route, origin: evil }))
      ? [...simpleTypes, 'json' as const]
      : simpleTypes
    if (route.method !== 'POST') return skipped(`browsers ask before they send ${route.method} elsewhere`)
    for (const type of types) {
      const body = (filled: Route) => bodyAs(type, filled)
      const session = await trySignIn(scene, { carrier: 'cookie', evidence: given.evidence, body })
      if (await isAlive(scene, session))
        return accepted(`sent as ${type}: answered ${session.answer.status} with a session`)
      statuses.push(session.answer.status)
    }
    await signIn(scene, { carrier: 'cookie' })
    return refused(
      `answered ${[...new Set(statuses)].join(', ')} in every body type; the genuine sign-in worked`,
    )
  },
})

const kept: Check = {
  id: 'fixation-kept',
  sentence:
    'The session that a visitor had before signing in is the session afterwards, so whoever planted it is signed in too.',
  severity: 'high',
  remedy: 'Begin a new session with a new value at every sign-in, and end the one before.',
  async run(scene) {
    const route = needRoute(scene.description.cookie?.sign_in, 'cookie.sign_in')
    const before = new Map<string, string>()
    for (const path of [scene.who.path, route.path.split('?')[0] ?? '/', '/']) {
      const sent = request(
        { ...scene.who, method: 'GET', path },
        before.size === 0 ? [] : [['Cookie', cookieText(before)]],
      )
      keepCookies(before, receivedCookies(await scene.send(sent)))
    }
    for (const value of before.values()) scene.redaction.hide(value)
    if (before.size > 0) {
      await signIn(scene, { carrier: 'cookie', jar: new Map(before) })
      if (await isSignedIn(scene, [['Cookie', cookieText(before)]])) {
        return accepted('the cookie from before the sign-in is signed in after it')
      }
    }
    // A session of the attacker's own can be planted as well as one of nobody.
    const { jar: planted } = await signIn(scene, { carrier: 'cookie' })
    const { jar: after } = await signIn(scene, { carrier: 'cookie', jar: new Map(planted) })
    return scene.cookieNames.length > 0 &&
      scene.cookieNames.every((name) => planted.get(name) === after.get(name))
      ? accepted('signing in again, the cookie keeps its value')
      : refused('no cookie from before a sign-in is the one after it')
  },
}

const chosen: Check = {
  id: 'fixation-chosen',
  sentence: 'A session value that the visitor, or an attacker, made up is taken over at sign-in.',
  severity: 'high',
  remedy: 'Never take a session value that you did not make: draw a new one at every sign-in.',
  async run(scene) {
    const planted = new Map(scene.cookieNames.map((name) => [name, scene.tools.entropy.id()]))
    await signIn(scene, { carrier: 'cookie', jar: new Map(planted) })
    return (await isSignedIn(scene, [['Cookie', cookieText(planted)]]))
      ? accepted('the value that was made up is signed in after the sign-in')
      : refused('the value that was made up opens nothing after the sign-in')
  },
}

const fewestCharacters = 20

const guessable: Check = {
  id: 'session-guessable',
  sentence: 'Session values are short, or differ too little to be hard to guess.',
  severity: 'high',
  remedy: 'Draw at least 128 bits from a cryptographic source for every session.',
  async run(scene) {
    const [name] = scene.cookieNames
    if (name === undefined) return skipped(noCookie(scene))
    const values: string[] = []
    for (let round = 0; round < 3; round += 1) {
      values.push((await signIn(scene, { carrier: 'cookie' })).jar.get(name) ?? '')
    }
    const [first = '', ...others] = values
    const varying = Math.max(...others.map((other) => differing(first, other)))
    const all = scene.cookieNames.length
    return varying < fewestCharacters && all === 1
      ? accepted(`of ${first.length} characters ${varying} differ from one session to the next`)
      : refused(`${varying} characters differ from one session to the next`)
  },
}

/** How many places hold something else; equal letters by chance are few. */
function differing(one: string, other: string): number {
  const length = Math.max(one.length, other.length)
  let count = 0
  for (let at = 0; at < length; at += 1) if (one[at] !== other[at]) count += 1
  return count
}

const enumeration: Check = {
  id: 'user-enumeration',
  sentence: 'The answer to a failed sign-in tells whether there is such an account.',
  severity: 'low',
  remedy: 'Answer a wrong password and an unknown name with the same status, headers and text.',
  async run(scene) {
    const { account } = scene.description
    if (account === null) throw unjudged(lacks('account'))
    const wrong = `not ${scene.tools.entropy.id()} at all`
    const carrier = scene.description.cookie === null ? 'token' : 'cookie'
    const face = async (name: string) => {
      const { answer } = await trySignIn(scene, { carrier, fill: { name, password: wrong } })
      if (answer.status >= 500 || answer.status === 429)
        throw unjudged(`a failed sign-in was answered ${answer.status}`)
      return faceOf(answer, [account.name, name])
    }
    const stranger = () => strangerLike(account.name, scene.tools.entropy.id())
    const [one, two] = [await face(stranger()), await face(stranger())]
    if (one !== two) return skipped('two unknown names are answered differently, so nothing can be compared')
    return (await face(account.name)) === one
      ? refused('a wrong password and an unknown name are answered alike (time is not looked at)')
      : accepted('a wrong password and an unknown name are answered differently')
  },
}

const anyPassword: Check = {
  id: 'password-unchecked',
  sentence: 'A wrong password signs in.',
  severity: 'high',
  remedy: 'Compare the password with its hash before anything else happens.',
  async run(scene) {
    const carrier = scene.description.cookie === null ? 'token' : 'cookie'
    const fill = { password: `not ${scene.tools.entropy.id()} at all` }
    const session = await trySignIn(scene, { carrier, fill })
    return (await isAlive(scene, session))
      ? accepted('a wrong password is signed in')
      : refused(`answered ${session.answer.status}`)
  },
}

/** A name that fits the same form: an address stays one, of the same length where it can. */
function strangerLike(name: string, id: string): string {
  const letters = id.replace(/[^A-Za-z0-9]/g, '').toLowerCase()
  const at = name.lastIndexOf('@')
  if (at < 0) return `x${letters}`.slice(0, Math.max(name.length, 12))
  return `x${letters}${name.slice(at)}`
}

/** All that the asker sees. A name may stand in any page, as an example, too: whose it is tells nothing. */
function faceOf(answer: Answer, names: readonly string[]): string {
  const spellings = names.flatMap((name) => [
    name,
    encodeURIComponent(name),
    name.replaceAll('@', '&#64;'),
    name.replaceAll('@', '&#x40;'),
  ])
  const mask = (text: string) => spellings.reduce((left, spelling) => left.replaceAll(spelling, '*'), text)
  const cookies = receivedCookies(answer).map(({ name: set }) => set)
  return JSON.stringify([answer.status, mask(describeAnswer(answer)), cookies.sort(), mask(answer.body)])
}

const secretInAddress: Check = {
  id: 'session-in-address',
  sentence:
    'A session or token is taken from the address, which ends up in logs, histories and Referer headers.',
  severity: 'medium',
  remedy: 'Take credentials from the Cookie and Authorization headers alone.',
  async run(scene) {
    const tried = await namesInAddress(scene)
    for (const path of tried) {
      const answer = await scene.send(request({ ...scene.who, path: joined(scene.who.path, path) }, []))
      if (showsAccount(scene, answer)) {
        return accepted(`the credential is taken from ${path.split('=')[0]}=`)
      }
    }
    return refused('nobody is signed in by a credential in the address')
  },
}

async function namesInAddress(scene: Scene): Promise<string[]> {
  const paths: string[] = []
  if (scene.description.cookie !== null) {
    const { jar } = await living(scene, 'cookie')
    for (const name of scene.cookieNames) {
      const value = encodeURIComponent(jar.get(name) ?? '')
      paths.push(`?${encodeURIComponent(name)}=${value}`, `?session=${value}`, `;jsessionid=${value}`)
    }
  }
  if (scene.description.token !== null) {
    const { access } = await living(scene, 'token')
    paths.push(...['access_token', 'token', 'auth_token', 'jwt'].map((name) => `?${name}=${access}`))
  }
  return paths
}

function joined(path: string, extra: string): string {
  if (extra.startsWith(';')) return path.replace(/(?=\?|$)/, extra)
  return path.includes('?') ? `${path}&${extra.slice(1)}` : `${path}${extra}`
}

export const signInChecks: readonly Check[] = [
  loginCsrf({
    id: '',
    from: 'another site',
    evidence: [
      ['Origin', evil],
      ['Sec-Fetch-Site', 'cross-site'],
    ],
  }),
  loginCsrf({ id: '-null-origin', from: 'a sandboxed frame', evidence: [['Origin', 'null']] }),
  kept,
  chosen,
  guessable,
  secretInAddress,
  anyPassword,
  enumeration,
]
