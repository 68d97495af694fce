import type { Entropy, Signing, Watch } from '../machine.ts'
import { unjudged } from './check.ts'
import { type Description, memberOf } from './description.ts'
import type { KeyHost } from './key-host.ts'
import { type Describable, lacks } from './lacking.ts'
import { type Holder, newHolder, sendProven } from './proof.ts'
import { cookieText, keepCookies, type ReceivedCookie, receivedCookies } from './received-cookies.ts'
import type { Redaction } from './redaction.ts'
import { type Body, type Filling, filledRoute, mentions, ownBody, type Route } from './route.ts'
import type { Target } from './target.ts'
import { type Answer, type Header, headerOf, isFine, type Sent, type Wire } from './wire.ts'

export type Carrier = 'cookie' | 'token'

/** One sign-in, and what it brought. */
export type Session = {
  carrier: Carrier
  jar: Map<string, string>
  set: readonly ReceivedCookie[]
  access: string | null
  refresh: string | null
  /** Whose key the tokens are bound to; `null`: nobody's. */
  holder: Holder | null
  answer: Answer
}

export type Tools = {
  clock: Watch
  entropy: Entropy
  signing: Signing
  /** Serves keys to a target that fetches them; `null` where the target cannot reach this machine. */
  hostKeys: ((keys: string) => Promise<KeyHost>) | null
}

export type Scene = {
  readonly target: Target
  readonly description: Description
  readonly tools: Tools
  readonly redaction: Redaction
  /** As browsers see it. */
  readonly origin: string
  readonly who: Route
  /** The text that only an answer to somebody who is signed in holds; `null`: the status tells. */
  readonly mark: string | null
  /** The cookies without which nobody is signed in. */
  readonly cookieNames: readonly string[]
  /** Whether no token is handed out without a proof. */
  readonly isBoundAlways: boolean
  readonly shared: Map<string, unknown>
  send: Wire
}

export const ownEvidence = (origin: string): Header[] => [
  ['Origin', origin],
  ['Sec-Fetch-Site', 'same-origin'],
]

export function request(route: Route, headers: readonly Header[], body: Body = ownBody(route)): Sent {
  return {
    method: route.method,
    path: route.path,
    headers: [...headers, ...route.headers, ...body.headers],
    body: body.body,
  }
}

/** A bound token needs a proof beside it, which differs with each request: `sendAs`. */
export function credentialOf({ carrier, jar, access, holder }: Session): Header[] {
  if (carrier === 'token') return [['Authorization', `${holder === null ? 'Bearer' : 'DPoP'} ${access}`]]
  return jar.size === 0 ? [] : [['Cookie', cookieText(jar)]]
}

/** Sends it with all that the session has to show. */
export function sendAs(scene: Scene, session: Session, sent: Sent): Promise<Answer> {
  const headers = [...credentialOf(session), ...sent.headers]
  return sendBeside(scene, session, { ...sent, headers })
}

/** The credential is the caller's affair; where the session is bound, the proof is added. */
export async function sendBeside(
  scene: Scene,
  { holder, access: token }: Pick<Session, 'holder' | 'access'>,
  sent: Sent,
): Promise<Answer> {
  return holder === null ? scene.send(sent) : (await sendProven(scene, sent, { holder, token })).answer
}

/** Whether whoever sends these headers is taken for the test account. */
export async function isSignedIn(scene: Scene, headers: readonly Header[]): Promise<boolean> {
  return showsAccount(scene, await askWho(scene, headers))
}

export function askWho(scene: Scene, headers: readonly Header[], path = scene.who.path): Promise<Answer> {
  return scene.send(request({ ...scene.who, path }, headers))
}

export function showsAccount({ mark }: Pick<Scene, 'mark'>, answer: Answer): boolean {
  return isFine(answer) && (mark === null || answer.body.includes(mark))
}

/** As the application's own page or program would send it; cookies that come back are kept. */
export async function genuine(scene: Scene, given: { route: Route; session: Session }): Promise<Answer> {
  const { route, session } = given
  const filled = filledRoute(route, await fillingFor(scene, { route, session }))
  const evidence = session.carrier === 'cookie' ? ownEvidence(scene.origin) : []
  const answer = await sendAs(scene, session, request(filled, evidence))
  if (session.carrier === 'cookie') keep(scene, session.jar, receivedCookies(answer))
  return answer
}

async function fillingFor(scene: Scene, given: { route: Route; session: Session }): Promise<Filling> {
  const { route, session } = given
  const isCookie = session.carrier === 'cookie'
  const csrf = mentions(route, 'csrf') ? await csrfFor(scene, isCookie ? session.jar : new Map()) : ''
  return {
    ...fillingOf(scene),
    csrf,
    access_token: session.access ?? '',
    refresh_token: session.refresh ?? '',
  }
}

/** What everybody may fill in: `unique` is new each time. */
export function fillingOf({ description, tools }: Scene): Filling {
  const { account } = description
  return { name: account?.name ?? '', password: account?.password ?? '', unique: tools.entropy.id() }
}

/** The page's anti-forgery value for whoever holds the jar, which it may fill. */
export async function csrfFor(scene: Scene, jar: Map<string, string>): Promise<string> {
  const { csrf } = scene.description
  if (csrf === null) throw unjudged(`a route asks for {csrf}, and ${lacks('csrf')}`)
  const answer = await scene.send(request(csrf.page, jar.size === 0 ? [] : [['Cookie', cookieText(jar)]]))
  keep(scene, jar, receivedCookies(answer))
  const value =
    memberOf(answer.body, csrf.field) ?? inputNamed(answer.body, csrf.field) ?? jar.get(csrf.field)
  if (value === undefined) throw unjudged('the page of the anti-forgery value does not show it')
  scene.redaction.hide(value)
  return value
}

function inputNamed(html: string, field: string): string | undefined {
  const at = [`name="${field}"`, `name='${field}'`]
    .map((text) => html.indexOf(text))
    .find((found) => found >= 0)
  if (at === undefined) return undefined
  const tag = html.slice(html.lastIndexOf('<', at), html.indexOf('>', at))
  return /\b(?:value|content)=["']([^"']{1,2000})["']/.exec(tag)?.[1]
}

export function keep(
  scene: Pick<Scene, 'redaction'>,
  jar: Map<string, string>,
  cookies: readonly ReceivedCookie[],
): void {
  for (const { value } of cookies) scene.redaction.hide(value)
  keepCookies(jar, cookies)
}

export type SignIn = {
  carrier: Carrier
  /** Cookies that the browser holds beforehand. */
  jar?: Map<string, string>
  /** Instead of our own evidence. */
  evidence?: readonly Header[]
  /** Instead of the password, and how the body is spelled. */
  fill?: Filling
  body?: (route: Route) => Body
  /** Whose key the tokens are to be bound to, where that is not as usual. */
  holder?: Holder
}

/** Sends the sign-in and takes what comes; nobody need be signed in after it. */
export async function trySignIn(scene: Scene, given: SignIn): Promise<Session> {
  const { carrier, jar = new Map<string, string>(), body = ownBody } = given
  const { description } = scene
  const route = carrier === 'cookie' ? description.cookie?.sign_in : description.token?.sign_in
  if (route === undefined) throw unjudged(lacks(`${carrier}.sign_in`))
  const csrf = mentions(route, 'csrf') ? await csrfFor(scene, jar) : ''
  const filled = filledRoute(route, { ...fillingOf(scene), csrf, ...given.fill })
  const evidence = given.evidence ?? ownEvidence(scene.origin)
  const cookies: Header[] = jar.size === 0 ? [] : [['Cookie', cookieText(jar)]]
  const sent = request(filled, [...evidence, ...cookies], body(filled))
  const holder = await holderFor(scene, given)
  const answer = await sendBeside(scene, { holder, access: null }, sent)
  const set = receivedCookies(answer)
  keep(scene, jar, set)
  const access = description.token === null ? null : memberOf(answer.body, description.token.access)
  const refresh = description.token?.refresh == null ? null : memberOf(answer.body, description.token.refresh)
  for (const token of [access, refresh]) scene.redaction.hide(token)
  return { carrier, jar, set, access, refresh, holder, answer }
}

async function holderFor(scene: Scene, { carrier, holder }: SignIn): Promise<Holder | null> {
  if (holder !== undefined) return holder
  return carrier === 'token' && scene.isBoundAlways ? newHolder(scene) : null
}

export async function signIn(scene: Scene, given: SignIn): Promise<Session> {
  const session = await trySignIn(scene, given)
  if (await isAlive(scene, session)) return session
  const { status } = session.answer
  const how = session.holder === null ? given.carrier : `${given.carrier} with a proof`
  throw unjudged(`signing in by ${how} was answered ${status}, and nobody was signed in after it`)
}

export async function isAlive(scene: Scene, session: Session): Promise<boolean> {
  if (session.carrier === 'token' && session.access === null) return false
  if (session.carrier === 'cookie' && session.jar.size === 0) return false
  return showsAccount(scene, await sendAs(scene, session, request(scene.who, [])))
}

/** A session that lives; the one from before where it still does. */
export async function living(scene: Scene, carrier: Carrier): Promise<Session> {
  const before = scene.shared.get(carrier) as Session | undefined
  if (before !== undefined && (await isAlive(scene, before))) return before
  const session = await signIn(scene, { carrier })
  scene.shared.set(carrier, session)
  return session
}

/** Why there is no session cookie to try anything with. */
export const noCookie = ({ description }: Scene): string =>
  description.cookie === null ? lacks('cookie.sign_in') : 'no cookie carries the session'

export function needRoute(route: Route | null | undefined, name: Describable): Route {
  if (route === null || route === undefined) throw unjudged(lacks(name))
  return route
}

/** Signs out as the application would, and sees that the target said yes. */
export async function signOut(scene: Scene, session: Session): Promise<void> {
  const { token, sign_out } = scene.description
  const own = session.carrier === 'token' && token?.sign_out !== 'forget' ? token?.sign_out : null
  const route = needRoute(own ?? sign_out, 'sign_out')
  // What the browser is told to forget is not forgotten here: it is what is tried afterwards.
  const answer = await genuine(scene, { route, session: { ...session, jar: new Map(session.jar) } })
  if (answer.status >= 400) throw unjudged(`signing out by ${session.carrier} was answered ${answer.status}`)
}

/** A site's page that a browser is sent back to where it is not signed in is no answer either. */
export function describeAnswer(answer: Answer): string {
  const location = headerOf(answer, 'location')
  return location === null ? `${answer.status}` : `${answer.status} to ${location.split('?')[0]}`
}
