import assert from 'node:assert/strict'
import {
  type Agent,
  assertionForm,
  clientKey,
  type OpenTestDatabase,
  openHouse,
  type TestHouse,
} from 'counterfoil/house'
import { bytesCanary, type Canary, sealedCanary, textCanary, tokenCanary } from './canary.ts'

export type Seen = { where: string; headers: string; body: string; handsOut: boolean }

export const secretRoot = new Uint8Array(Array.from({ length: 40 }, (_, at) => (at * 37 + 201) % 256))

const passwords = {
  first: 'canary one: a walk along the northern quay',
  wrong: 'canary two: "never" the right & proper one?',
  changed: 'canary three: grey geese above the harbour',
  reset: 'canary four: seven kettles on a cold stove',
  short: 'canary five!',
  operator: 'canary six: sent where no password belongs',
}

type Sent = Parameters<Agent['send']>[2]

/** An agent of whose every answer a copy is kept, and every cookie. */
function watch(agent: Agent, seen: Seen[], canaries: Canary[]) {
  return async (
    method: string,
    path: string,
    sent: Sent,
    expected: number | readonly number[],
  ): Promise<Response> => {
    const response = await agent.send(method, path, sent)
    const body = await response.clone().text()
    const where = `${method} ${path.split('?')[0]} ${response.status}`
    assert.ok([expected].flat().includes(response.status), `${where}, expected ${expected}: ${body}`)
    const handsOut = body.includes('"access_token"')
    const headers = [...response.headers].filter(([name]) => name !== 'set-cookie')
    seen.push({ where, headers: JSON.stringify(headers), body, handsOut })
    for (const [name, value] of agent.cookies) canaries.push(sealedCanary(`the cookie ${name}`, value, 0))
    return response
  }
}

/**
 * A whole life with secrets in every place where secrets go, right and wrong, and what was seen of it: everything
 * that was answered, and what was planted.
 */
export async function liveThrough(
  open: OpenTestDatabase,
): Promise<{ at: TestHouse; seen: Seen[]; canaries: Canary[]; fail(): Promise<void> }> {
  const at = await openHouse(open, { rootSecret: secretRoot })
  const seen: Seen[] = []
  const canaries: Canary[] = [bytesCanary('the root secret', secretRoot)]
  for (const [name, value] of Object.entries(passwords))
    canaries.push(textCanary(`the ${name} password`, value))
  const email = 'ada@example.org'
  const browser = watch(at.browser(), seen, canaries)
  const app = watch(at.program(), seen, canaries)
  const link = async (page: 'verify' | 'reset') => {
    const token = await at.linkFor(email, page)
    canaries.push(sealedCanary(`the ${page} link`, token, 16))
    return token
  }
  const pairOf = async (response: Response) => {
    const pair: { access_token: string; refresh_token: string } = await response.json()
    canaries.push(
      tokenCanary('an access token', pair.access_token),
      sealedCanary('a refresh token', pair.refresh_token, 20),
    )
    return { ...pair, bearer: { authorization: `Bearer ${pair.access_token}` } }
  }
  const refresh = (refresh_token: string, expected: number) =>
    app('POST', '/oauth/token', { form: { grant_type: 'refresh_token', refresh_token } }, expected)

  await browser('POST', '/auth/sign-up', { json: { email, password: passwords.short } }, 422)
  await browser('POST', '/auth/sign-up', { json: { email, password: passwords.first } }, 202)
  const verify = await link('verify')
  await browser(
    'POST',
    '/auth/verify-email',
    { json: { token: `${verify.slice(0, -1)}!`, password: passwords.first } },
    410,
  )
  await browser('POST', '/auth/verify-email', { json: { token: verify, password: passwords.first } }, 200)
  await browser('POST', '/auth/verify-email', { json: { token: verify, password: passwords.wrong } }, 410)

  await app('POST', '/auth/sign-in', { json: { email, password: passwords.wrong, carrier: 'token' } }, 401)
  await app(
    'POST',
    '/auth/sign-in',
    { json: { email: passwords.operator, password: passwords.operator } },
    403,
  )
  await browser(
    'POST',
    '/auth/sign-in',
    { json: { email: passwords.operator, password: passwords.operator } },
    422,
  )
  await browser('POST', '/sign-in', { form: { email, password: passwords.wrong } }, 401)
  await browser('POST', '/sign-up', { form: { email: 'no address', password: passwords.first } }, 422)
  await browser('POST', '/auth/sign-in', { json: { email, password: passwords.first } }, 200)
  const first = await pairOf(
    await app('POST', '/auth/sign-in', { json: { email, password: passwords.first, carrier: 'token' } }, 200),
  )
  const second = await pairOf(await refresh(first.refresh_token, 200))
  await app('GET', '/auth/session', { headers: second.bearer }, 200)
  await app('GET', '/auth/session', { headers: { authorization: `Bearer ${second.access_token}x` } }, 401)
  await app(
    'GET',
    `/auth/session?access_token=${second.access_token}&password=${encodeURIComponent(passwords.wrong)}`,
    {},
    401,
  )
  await app('GET', `/${second.refresh_token}`, {}, 404)
  at.machine.clock.advance(31)
  await refresh(first.refresh_token, 400)
  await refresh(second.refresh_token, 400)
  await refresh(`${second.refresh_token}x`, 400)
  await app('GET', '/auth/session', { headers: second.bearer }, 401)

  await livesOfClients({ at, app, canaries })

  await browser('POST', '/auth/reauthenticate', { json: { password: passwords.wrong } }, 403)
  await browser('POST', '/auth/reauthenticate', { json: { password: passwords.first } }, 200)
  await browser(
    'POST',
    '/auth/password/change',
    { json: { current: passwords.wrong, new: passwords.changed } },
    403,
  )
  await browser(
    'POST',
    '/auth/password/change',
    { json: { current: passwords.first, new: passwords.short } },
    422,
  )
  await browser(
    'POST',
    '/auth/password/change',
    { json: { current: passwords.first, new: passwords.changed } },
    200,
  )
  for (const path of ['/account', '/auth/session', '/auth/sessions', '/']) await browser('GET', path, {}, 200)

  await app('POST', '/auth/password/forgot', { json: { email } }, 202)
  const reset = await link('reset')
  await app('POST', '/auth/password/reset', { json: { token: reset, password: passwords.short } }, 422)
  await app('POST', '/auth/password/reset', { json: { token: reset, password: passwords.reset } }, 204)
  await app('POST', '/auth/password/reset', { json: { token: reset, password: passwords.reset } }, 410)
  await browser('GET', '/auth/session', {}, 401)
  await browser('POST', '/auth/sign-in', { json: { email, password: passwords.reset } }, 200)
  const last = await pairOf(
    await app('POST', '/auth/sign-in', { json: { email, password: passwords.reset, carrier: 'token' } }, 200),
  )
  await app('GET', '/metrics', {}, 200)

  /** Requests with every secret on a store that does not answer. */
  async function fail(): Promise<void> {
    // Broken, or unable to judge a credential; what is remembered of one may still do for a look.
    const away = [500, 503]
    await browser('POST', '/auth/sign-in', { json: { email, password: passwords.reset } }, away)
    await browser('POST', '/sign-in', { form: { email, password: passwords.reset } }, away)
    await browser('GET', '/auth/session', {}, [200, ...away])
    await browser('GET', '/account', {}, away)
    await app('GET', '/auth/session', { headers: last.bearer }, [200, ...away])
    await refresh(last.refresh_token, 500)
    await app('POST', '/auth/password/reset', { json: { token: reset, password: passwords.reset } }, 500)
    await app(
      'POST',
      '/auth/verify-email',
      { json: { token: verify, password: passwords.first, carrier: 'token' } },
      500,
    )
    await app('GET', '/metrics', {}, 200)
  }

  return { at, seen, canaries, fail }
}

/** A client with a secret and one that signs: what they show, rightly and wrongly, and what they are given. */
async function livesOfClients(given: {
  at: TestHouse
  app: ReturnType<typeof watch>
  canaries: Canary[]
}): Promise<void> {
  const { at, app, canaries } = given
  const { clients } = at.house
  const [key, made] = [await clientKey(), await clients.add('post', { method: 'client_secret_post' })]
  const { client_id: clientId } = await clients.addWithoutSecret('signing', { jwks: key.jwks })
  const assertion = key.assertion({ clientId, issuer: at.issuer, now: at.machine.clock.now() })
  canaries.push(textCanary('a client’s secret', made.client_secret), tokenCanary('an assertion', assertion))
  const ask = (form: Record<string, string>, expected: number) =>
    app('POST', '/oauth/token', { form: { grant_type: 'client_credentials', ...form } }, expected)
  const { access_token: token }: { access_token: string } = await (await ask({ ...made }, 200)).json()
  canaries.push(tokenCanary('an access token of a client', token))
  await ask({ ...made, scope: 'more' }, 400)
  await ask({ ...made, client_id: 'nobody' }, 401)
  await ask({ client_id: made.client_secret }, 401)
  await ask(assertionForm(assertion), 200)
  await ask(assertionForm(assertion), 401)
  await ask({ ...made, ...assertionForm(assertion) }, 400)
  await app('GET', `/oauth/token?client_secret=${made.client_secret}`, {}, 405)
  await app('POST', '/oauth/introspect', { form: { token, ...made } }, 200)
  await app('POST', '/oauth/introspect', { form: { token: assertion, ...made } }, 200)
  await app('GET', '/auth/session', { headers: { authorization: `Bearer ${token}` } }, 401)
  await app('POST', '/oauth/revoke', { form: { token, ...made } }, 200)
}
