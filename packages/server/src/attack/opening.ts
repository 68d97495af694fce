import {
  type Description,
  isObject,
  missingFrom,
  type Overrides,
  parseDescription,
  wellKnownPath,
} from './description.ts'
import { flagOf } from './lacking.ts'
import { newHolder } from './proof.ts'
import { cookieText, type ReceivedCookie } from './received-cookies.ts'
import { startRedaction } from './redaction.ts'
import {
  askWho,
  type Carrier,
  isSignedIn,
  request,
  type Scene,
  type Session,
  sendAs,
  type Tools,
  trySignIn,
} from './scene.ts'
import type { Target } from './target.ts'
import { type Answer, headerOf, isFine, type Wire } from './wire.ts'

/**
 * What the target says about itself and what the caller knows better. Throws where the owner of a host that is not
 * this machine does not consent, whatever the caller says.
 */
export async function describeTarget(given: {
  target: Target
  send: Wire
  described: unknown
  overrides: Overrides
}): Promise<Description> {
  const { target, send, described, overrides } = given
  const answer =
    target.isLoopback && described !== null
      ? null
      : await send({ method: 'GET', path: wellKnownPath, headers: [] })
  const own = answer === null || !isFine(answer) ? null : parsedJson(answer.body)
  if (!target.isLoopback && !consents(answer, own)) {
    throw new Error(
      `${target.url.host} does not consent: its owner has to serve ${wellKnownPath} with "consent": true, or the header Counterfoil-Attack: consent there.`,
    )
  }
  if (described === null && own === null && Object.keys(overrides).length === 0) {
    throw new Error(`There is no description: serve ${wellKnownPath}, or give one with --target.`)
  }
  const description = parseDescription(described ?? own ?? {}, overrides)
  const missing = missingFrom(description)
  if (missing !== null) throw new Error(`The description lacks ${missing}.`)
  return description
}

/** By the very host, in an answer that no fallback page gives. */
function consents(answer: Answer | null, own: unknown): boolean {
  if (answer === null) return false
  return (isObject(own) && own.consent === true) || headerOf(answer, 'counterfoil-attack') === 'consent'
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, 'latin1').toString())
  } catch {
    return null
  }
}

/** Signs in by each carrier and learns what shows it. Throws where that fails: nothing else could be judged. */
export async function openScene(given: {
  target: Target
  send: Wire
  description: Description
  tools: Tools
}): Promise<Scene> {
  const { target, send, description, tools } = given
  const { who, account } = description
  if (who === null || account === null) throw new Error('The description is not whole.')
  const base: Scene = {
    ...{ target, description, tools, who, send },
    redaction: startRedaction(account.password),
    origin: description.origin ?? target.url.origin,
    mark: null,
    cookieNames: [],
    isBoundAlways: false,
    shared: new Map(),
  }
  const carriers = (['cookie', 'token'] as const).filter((carrier) => description[carrier] !== null)
  const stranger = await askWho(base, [])
  const sessions: Session[] = []
  const shown: Answer[] = []
  for (const carrier of carriers) {
    const { session, answer } = await enter(base, carrier)
    sessions.push(session)
    shown.push(answer)
  }
  const name = Buffer.from(account.name).toString('latin1')
  const tells = shown.every(({ body }) => body.includes(name)) && !stranger.body.includes(name)
  if (!tells && isFine(stranger)) {
    throw new Error(
      'The route who answers somebody who is signed in and a stranger alike; it has to show the account name, or refuse strangers. (Or the sign-in fails.)',
    )
  }
  const isBoundAlways = sessions.some(({ holder }) => holder !== null)
  const scene = { ...base, mark: tells ? name : null, isBoundAlways }
  for (const session of sessions) scene.shared.set(session.carrier, session)
  const byCookie = sessions.find(({ carrier }) => carrier === 'cookie')
  if (byCookie === undefined) return scene
  const cookieNames = await namesThatCount(scene, byCookie)
  scene.shared.set('session cookies', cookiesOf(byCookie, cookieNames))
  return { ...scene, cookieNames }
}

/** Plainly, and where that brings nothing with a proof: some hand out bound tokens alone. */
async function enter(scene: Scene, carrier: Carrier): Promise<{ session: Session; answer: Answer }> {
  const isProvable = carrier === 'token' && scene.description.token?.proof === true
  const holders = isProvable ? [null, await newHolder(scene)] : [null]
  let fault = ''
  for (const holder of holders) {
    const session = await trySignIn(scene, holder === null ? { carrier } : { carrier, holder })
    const answer = await sendAs(scene, session, request(scene.who, []))
    if (brought(session, answer)) return { session, answer }
    fault = failure(session, answer)
    if (wantsProof(session.answer) && carrier === 'token' && !isProvable) {
      fault += ` It seems to want a proof: token.proof (${flagOf('token.proof')}).`
    }
  }
  throw new Error(fault)
}

/** As RFC 9449 sections 5, 7.1 and 8 have it. */
const wantsProof = (answer: Answer) =>
  headerOf(answer, 'dpop-nonce') !== null || /invalid_dpop_proof|use_dpop_nonce/.test(answer.body)

const brought = ({ carrier, jar, access }: Session, answer: Answer) =>
  isFine(answer) && (carrier === 'token' ? access !== null : jar.size > 0)

function failure({ carrier, answer, jar, access, holder }: Session, who: Answer): string {
  const got = carrier === 'token' ? (access === null ? 'no access token' : 'a token') : `${jar.size} cookies`
  const how = holder === null ? carrier : `${carrier} with a proof`
  return `The sign-in by ${how} fails: it was answered ${answer.status} with ${got}, and then who with ${who.status}. Look at account, ${carrier}.sign_in and who.`
}

/** Without which nobody is signed in; where any of several will do, those that do so alone. */
async function namesThatCount(scene: Scene, { jar }: Session): Promise<string[]> {
  const without = (name: string) => new Map([...jar].filter(([other]) => other !== name))
  const needed: string[] = []
  const sufficient: string[] = []
  for (const [name, value] of jar) {
    const rest = without(name)
    if (!(await isSignedIn(scene, rest.size === 0 ? [] : [['Cookie', cookieText(rest)]]))) needed.push(name)
    else if (await isSignedIn(scene, [['Cookie', `${name}=${value}`]])) sufficient.push(name)
  }
  return needed.length > 0 ? needed : sufficient
}

function cookiesOf({ set }: Session, names: readonly string[]): ReceivedCookie[] {
  return names.flatMap((name) => set.findLast((cookie) => cookie.name === name) ?? [])
}
