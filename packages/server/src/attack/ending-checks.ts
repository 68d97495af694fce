import { accepted, type Check, type Outcome, refused, skipped, unjudged } from './check.ts'
import { memberOf } from './description.ts'
import { flagOf, lacks } from './lacking.ts'
import type { Holder } from './proof.ts'
import { filledRoute } from './route.ts'
import {
  credentialOf,
  fillingOf,
  isAlive,
  living,
  needRoute,
  request,
  type Scene,
  type Session,
  sendBeside,
  signIn,
  signOut,
} from './scene.ts'
import { isFine } from './wire.ts'

const endRemedy =
  'Keep a record of every session, end it at sign-out, and look at that record (or at a feed of ends) with each request.'

const cookieReplay: Check = {
  id: 'replay-cookie',
  sentence: 'A cookie that was copied before the sign-out works after it.',
  severity: 'high',
  remedy: endRemedy,
  run: (scene) => replayAfterSignOut(scene, 'cookie'),
}

const tokenReplay: Check = {
  id: 'replay-token',
  sentence: 'An access token that was copied before the sign-out works after it.',
  severity: 'medium',
  remedy: endRemedy,
  run: (scene) => replayAfterSignOut(scene, 'token'),
}

async function replayAfterSignOut(scene: Scene, carrier: 'cookie' | 'token'): Promise<Outcome> {
  if (carrier === 'token' && scene.description.token?.sign_out === 'forget') {
    return accepted('the description says that nothing ends a token')
  }
  const session = await signIn(scene, { carrier })
  await signOut(scene, session)
  if (await isAlive(scene, session)) return accepted('signed out, and the same credential is still signed in')
  // Where nobody is let in any more, the sign-out need not be the reason.
  await signIn(scene, { carrier })
  return refused('signed out, and the same credential is signed in no more; a new sign-in works')
}

/** A refresh by the description; `null` where it was refused. */
export async function refreshWith(scene: Scene, session: Session): Promise<Session | null> {
  const route = needRoute(scene.description.token?.refresh_by, 'token.refresh_by')
  const token = scene.description.token
  // The refresh token speaks for itself; an access token beside it may be taken for another credential.
  const secrets = { access_token: session.access ?? '', refresh_token: session.refresh ?? '' }
  const filled = filledRoute(route, { ...fillingOf(scene), ...secrets })
  const answer = await sendBeside(scene, { holder: session.holder, access: null }, request(filled, []))
  const access = token === null ? null : memberOf(answer.body, token.access)
  if (!isFine(answer) || access === null) return null
  const refresh = token?.refresh == null ? null : memberOf(answer.body, token.refresh)
  for (const secret of [access, refresh]) scene.redaction.hide(secret)
  return { ...session, access, refresh, answer }
}

/** A fresh sign-in that can refresh; proves it on another session first, so that this one is untouched. */
export async function refreshable(scene: Scene, bound: { holder?: Holder } = {}): Promise<Session> {
  needRoute(scene.description.token?.refresh_by, 'token.refresh_by')
  const session = await signIn(scene, { carrier: 'token', ...bound })
  if (session.refresh === null) throw unjudged(noRefresh(scene))
  return session
}

function noRefresh({ description }: Scene): string {
  const member = description.token?.refresh ?? null
  if (member === null) return lacks('token.refresh')
  return `signing in brings no ${member}; name the member with token.refresh (${flagOf('token.refresh')})`
}

export async function mustRefresh(scene: Scene, session: Session): Promise<Session> {
  const next = await refreshWith(scene, session)
  if (next === null || !(await isAlive(scene, next))) throw unjudged('the genuine refresh does not work')
  return next
}

const isRotated = (before: Session, after: Session) =>
  after.refresh !== null && after.refresh !== before.refresh

async function rotated(scene: Scene): Promise<{ first: Session; second: Session }> {
  const first = await refreshable(scene)
  const second = await mustRefresh(scene, first)
  if (!isRotated(first, second)) throw unjudged('refresh tokens are not rotated; see refresh-not-rotated')
  return { first, second }
}

const notRotated: Check = {
  id: 'refresh-not-rotated',
  sentence: 'A refresh token stays the same after use, so a copy of it serves as long as the original.',
  severity: 'medium',
  remedy: 'Hand out a new refresh token with each use, or bind it to a key that does not travel.',
  async run(scene) {
    const first = await refreshable(scene)
    const second = await mustRefresh(scene, first)
    if (isRotated(first, second)) return refused('each refresh brings a new refresh token')
    // A copy without the key is another check's affair (RFC 9449 section 5).
    if (first.holder !== null) return skipped('the refresh token is bound to a key; see refresh-without-key')
    return (await refreshWith(scene, first)) === null
      ? refused('the refresh token works once')
      : accepted('the refresh token that was used works again, and no other was given')
  },
}

const reuse: Check = {
  id: 'refresh-reuse',
  sentence: 'A refresh token works again although its successor is in use.',
  severity: 'high',
  remedy:
    'Take each refresh token once; what comes again after its successor was used is a copy, and ends the session.',
  async run(scene) {
    const { first, second } = await rotated(scene)
    await mustRefresh(scene, second)
    const again = await refreshWith(scene, first)
    return again !== null && (await isAlive(scene, again))
      ? accepted('the first refresh token was taken after the second had been used')
      : refused('the first refresh token is refused after the second was used')
  },
}

const undetected: Check = {
  id: 'refresh-theft-unnoticed',
  sentence:
    'A refresh token that comes twice ends nothing, so whoever used a stolen one first keeps the session.',
  severity: 'medium',
  remedy: 'End the whole session when a used refresh token comes again (RFC 9700 section 4.14.2).',
  async run(scene) {
    const { first, second } = await rotated(scene)
    const third = await mustRefresh(scene, second)
    if ((await refreshWith(scene, first)) !== null)
      return skipped('the old token is taken; see refresh-reuse')
    return (await refreshWith(scene, third)) === null
      ? refused('after an old refresh token came again, the newest is refused as well')
      : accepted('an old refresh token came again, and the newest still works')
  },
}

const racers = 4

const race: Check = {
  id: 'refresh-race',
  sentence: 'One refresh token that is sent several times at once becomes several, each of which lives on.',
  severity: 'medium',
  remedy: 'Rotate by one conditional write, and give whoever lost the race the same successor, or nothing.',
  async run(scene) {
    const first = await refreshable(scene)
    const results = await Promise.all(Array.from({ length: racers }, () => refreshWith(scene, first)))
    const won = results.filter((result) => result !== null)
    if (won.length === 0) return skipped('no refresh came through')
    const distinct = new Map(won.map((session) => [session.refresh, session]))
    if (distinct.has(first.refresh) || distinct.has(null)) {
      return skipped('refresh tokens are not rotated; see refresh-not-rotated')
    }
    const lived = [...distinct.values()]
    const living: Session[] = []
    for (const session of lived) if ((await refreshWith(scene, session)) !== null) living.push(session)
    return living.length > 1
      ? accepted(`${racers} at once: ${living.length} different refresh tokens that work`)
      : refused(`${racers} at once: ${lived.length} different, ${living.length} of them work on`)
  },
}

const afterSignOut: Check = {
  id: 'replay-refresh',
  sentence: 'A refresh token that was copied before the sign-out works after it.',
  severity: 'high',
  remedy: 'End the refresh token together with its session.',
  async run(scene) {
    await mustRefresh(scene, await refreshable(scene))
    if (scene.description.token?.sign_out === 'forget') {
      return accepted('the description says that nothing ends a token')
    }
    const session = await refreshable(scene)
    await signOut(scene, session)
    return (await refreshWith(scene, session)) === null
      ? refused('signed out, and the refresh token is refused')
      : accepted('signed out, and the refresh token brought a new access token')
  },
}

const accessAsRefresh: Check = {
  id: 'token-kind-refresh',
  sentence: 'An access token is taken for a refresh token, so it never expires.',
  severity: 'high',
  remedy: 'Say in each token what it is for (typ, RFC 8725 section 3.11), and check it.',
  async run(scene) {
    const session = await refreshable(scene)
    const swapped = await refreshWith(scene, { ...session, refresh: session.access })
    if (swapped !== null) return accepted('an access token was taken where a refresh token belongs')
    await mustRefresh(scene, session)
    return refused('an access token is no refresh token; the genuine refresh worked')
  },
}

const refreshAsAccess: Check = {
  id: 'token-kind-access',
  sentence: 'A refresh token is taken for an access token.',
  severity: 'medium',
  remedy: 'Say in each token what it is for (typ, RFC 8725 section 3.11), and check it.',
  async run(scene) {
    const session = await living(scene, 'token')
    if (session.refresh === null) return skipped(noRefresh(scene))
    return (await isAlive(scene, { ...session, access: session.refresh }))
      ? accepted('the refresh token alone is signed in')
      : refused(`the refresh token opens nothing by ${credentialOf(session)[0]?.[0]}`)
  },
}

export const endingChecks: readonly Check[] = [
  ...[cookieReplay, tokenReplay, afterSignOut],
  ...[notRotated, reuse, undetected, race, accessAsRefresh, refreshAsAccess],
]
