import assert from 'node:assert/strict'
import { it } from 'node:test'
import { type Agent, createAgent } from '../testing/agent.ts'
import { onEachEngine } from '../testing/engines.ts'
import { openHouse, type TestHouse } from '../testing/house.ts'

type Headers = Readonly<Record<string, string>>
const policy = { forward: { method: 'x-original-method', url: 'x-original-url' } }
const told = (method: string, url = '/payments'): Headers => ({
  'x-original-method': method,
  'x-original-url': url,
})
const own = { origin: 'http://localhost:3000', 'sec-fetch-site': 'same-origin' }
const foreign = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }

/** Sends exactly these headers, with the cookies of somebody. */
function proxyOf({ house, issuer }: TestHouse, { cookies }: Agent) {
  const proxy = createAgent(house.fetch, { origin: issuer, kind: 'program' })
  for (const [name, value] of cookies) proxy.cookies.set(name, value)
  return async (headers: Headers) => {
    const answer = await proxy.get('/auth/forward', headers)
    const text = await answer.text()
    return { answer, status: answer.status, code: text === '' ? null : (JSON.parse(text).code as string) }
  }
}

const websocket = { 'sec-websocket-version': '13', 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==' }
const cases: [what: string, headers: Headers, status: number][] = [
  ['a safe method from anywhere', { ...told('GET'), ...foreign }, 200],
  ['another safe method', { ...told('HEAD'), ...foreign }, 200],
  ['an honest change', { ...told('POST'), ...own }, 200],
  ['an honest change of a browser without Sec-Fetch-Site', { ...told('POST'), origin: own.origin }, 200],
  ['a forged change', { ...told('POST'), ...foreign }, 403],
  ['a change by a method that nobody knows', { ...told('FROB'), ...foreign }, 403],
  ['a change without evidence', told('DELETE'), 403],
  ['no method', { 'x-original-url': '/', ...foreign }, 403],
  ['no address', { 'x-original-method': 'GET', ...foreign }, 403],
  ['neither', foreign, 403],
  ['neither, by our own page', own, 200],
  ['a method that was told twice', { ...told('GET, GET'), ...foreign }, 403],
  ['two methods', { ...told('GET, POST'), ...foreign }, 403],
  ['a method in another case', { ...told('get'), ...foreign }, 403],
  ['a method with something behind it', { ...told('GET /'), ...foreign }, 403],
  ['an address that was told twice', { ...told('GET', '/a, /b'), ...foreign }, 403],
  ['the pair of another proxy', { 'x-forwarded-method': 'GET', 'x-forwarded-uri': '/', ...foreign }, 403],
  ['a WebSocket of our own page', { ...told('GET'), ...websocket, upgrade: 'websocket', ...own }, 200],
  ['a WebSocket of another site', { ...told('GET'), upgrade: 'websocket', ...foreign }, 403],
  ['a WebSocket whose Upgrade was taken away', { ...told('GET'), ...websocket, ...foreign }, 403],
  [
    'a WebSocket that says only what it is for',
    { ...told('GET'), 'sec-fetch-mode': 'websocket', ...foreign },
    403,
  ],
  ['an extended CONNECT', { ...told('CONNECT'), ...foreign }, 403],
]

onEachEngine('what a proxy asks', (open) => {
  it('is answered by the request that it tells of, and not by its own', async () => {
    const at = await openHouse(open, { policy })
    const { browser, accountId } = await at.member()
    const ask = proxyOf(at, browser)
    for (const [what, headers, status] of cases) {
      const found = await ask(headers)
      assert.equal(found.status, status, what)
      assert.equal(found.answer.headers.get('x-auth-account'), status === 200 ? accountId : null, what)
      if (status === 403) assert.equal(found.code, 'forged_request', what)
      assert.equal(found.answer.headers.get('cache-control'), 'no-store')
      assert.deepEqual(found.answer.headers.getSetCookie(), [])
    }
  })

  it('is nobody without a credential and 401 with a bad one, however bad, and nothing else', async () => {
    const at = await openHouse(open, { policy })
    const { email, accountId } = await at.member()
    const ask = proxyOf(at, at.program())
    const { access_token: token } = await at.tokens(email)
    assert.deepEqual((await ask(told('GET'))).code, 'credential_missing')
    for (const authorization of ['Bearer nonsense', 'Basic eDp5', `Bearer ${token}, Bearer ${token}`, ''])
      assert.deepEqual((await ask({ ...told('GET'), authorization })).status, 401, authorization)
    const authorization = `Bearer ${token}`
    const { status, answer } = await ask({ ...told('POST'), authorization })
    assert.deepEqual([status, answer.headers.get('x-auth-account')], [200, accountId])
    assert.equal((await ask({ ...told('POST'), authorization, ...foreign })).status, 403)
  })

  it('is not answered until the policy says where the original request is told', async () => {
    const at = await openHouse(open)
    const { browser } = await at.member()
    for (const headers of [told('GET'), { ...told('POST'), ...own }])
      assert.deepEqual((await proxyOf(at, browser)(headers)).code, 'not_found')
  })
})
