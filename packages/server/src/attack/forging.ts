import { unjudged } from './check.ts'
import { memberOf } from './description.ts'
import { flagOf } from './lacking.ts'
import { type BodyType, bodyAs, filledRoute, mentions, type Route } from './route.ts'
import {
  credentialOf,
  csrfFor,
  fillingOf,
  genuine,
  living,
  needRoute,
  request,
  type Scene,
  type Session,
} from './scene.ts'
import { type Answer, type Header, headerOf, isFine } from './wire.ts'

/** What a page of somebody else can make a browser send, and under which name it is reported. */
export type Forgery = {
  what: string
  method?: string
  path?: string
  headers: readonly Header[]
  type: BodyType | null
}

export const evil = 'https://attacker.example'

/** What forms and script can send anywhere without asking first. */
export const simpleTypes: readonly BodyType[] = ['form', 'text', 'multipart', 'untyped']

/**
 * Whether one of the forgeries does what only the account's own page should: judged by its effect, never by its
 * answer. Where none does, the genuine act must still work, or their refusal would prove nothing.
 */
export async function forge(
  scene: Scene,
  forgeries: readonly Forgery[],
): Promise<{ went: string | null; answers: string }> {
  await proveAct(scene)
  const session = await living(scene, 'cookie')
  const before = await effectOf(scene, session)
  const statuses: number[] = []
  for (const forgery of forgeries) {
    const answer = await sendForged(scene, session, forgery)
    statuses.push(answer.status)
    if ((await effectOf(scene, await living(scene, 'cookie'))) !== before) {
      return { went: forgery.what, answers: `${answer.status}` }
    }
  }
  await actWorks(scene, await living(scene, 'cookie'))
  return { went: null, answers: [...new Set(statuses)].join(', ') }
}

async function sendForged(scene: Scene, session: Session, forgery: Forgery): Promise<Answer> {
  const act = needRoute(scene.description.act, 'act')
  // The attacker has an anti-forgery value too, only not this account's; and no header of the page's own script.
  const csrf = mentions(act, 'csrf') ? await csrfFor(scene, new Map()) : ''
  const route = filledRoute({ ...act, headers: [] }, { ...fillingOf(scene), csrf })
  const { method = route.method, path = '' } = forgery
  const body = forgery.type === null ? { headers: [], body: null } : bodyAs(forgery.type, route)
  const forged: Route = { ...route, method, path: path === '' ? route.path : withQuery(route, path) }
  return scene.send(request(forged, [...forgery.headers, ...credentialOf(session)], body))
}

/** `path` is what is put after the route's own: a query, or nothing new. */
function withQuery({ path, fields }: Route, extra: string): string {
  const query = new URLSearchParams(
    Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  ).toString()
  return [path, [query, extra.replace(/^\?/, '')].filter((part) => part !== '').join('&')]
    .filter((part) => part !== '')
    .join(path.includes('?') ? '&' : '?')
}

export async function effectOf(scene: Scene, session: Session): Promise<string> {
  const { effect } = scene.description
  const route = needRoute(effect?.request, 'effect')
  const answer = await genuine(scene, { route, session })
  const seen = effect?.member == null ? answer.body : memberOf(answer.body, effect.member)
  if (!isFine(answer) || seen === null) throw unjudged(`the effect cannot be read: ${answer.status}`)
  return seen
}

/** Once a run: the genuine act works, and the effect does not change by itself. */
async function proveAct(scene: Scene): Promise<void> {
  const known = scene.shared.get('act') as string | undefined
  if (known !== undefined) {
    if (known !== '') throw unjudged(known)
    return
  }
  needRoute(scene.description.act, 'act')
  const session = await living(scene, 'cookie')
  const first = await effectOf(scene, session)
  const isSteady = first === (await effectOf(scene, session))
  if (!isSteady) {
    const reason = `the effect changes by itself, so an act cannot be told from none (name a member of it: ${flagOf('effect')} 'GET /path member')`
    scene.shared.set('act', reason)
    throw unjudged(reason)
  }
  await actWorks(scene, session)
  scene.shared.set('act', '')
}

async function actWorks(scene: Scene, session: Session): Promise<void> {
  const route = needRoute(scene.description.act, 'act')
  const before = await effectOf(scene, session)
  const answer = await genuine(scene, { route, session })
  if ((await effectOf(scene, session)) !== before) return
  throw unjudged(`the genuine act was answered ${answer.status} and has no effect either`)
}

/** Whether a browser would let that origin send JSON, and with the cookie. */
export async function preflightGrants(
  scene: Scene,
  given: { route: Route; origin: string },
): Promise<boolean> {
  const { route, origin } = given
  const answer = await scene.send({
    method: 'OPTIONS',
    path: filledRoute(route, fillingOf(scene)).path,
    headers: [
      ['Origin', origin],
      ['Sec-Fetch-Site', 'cross-site'],
      ['Access-Control-Request-Method', route.method],
      ['Access-Control-Request-Headers', 'content-type'],
    ],
  })
  return (
    isFine(answer) &&
    headerOf(answer, 'access-control-allow-origin') === origin &&
    headerOf(answer, 'access-control-allow-credentials') === 'true' &&
    (headerOf(answer, 'access-control-allow-headers') ?? '').toLowerCase().includes('content-type')
  )
}
