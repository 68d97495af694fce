import { parseJsonObject } from './json.ts'
import type { Machine } from './machine.ts'
import { reachable } from './metadata.ts'
import type { Refusal } from './refusal.ts'
import { readText } from './requests.ts'
import { isWorkerCode, type WorkerRefusalCode, workerRefusal } from './worker-refusal.ts'
import type { Signer } from './worker-signing.ts'

/** What a worker asks for: at most what was granted, for one audience. */
export type Asked = {
  readonly grantId: string
  readonly scope: string | null
  readonly resource: string | null
}

export type Exchanged = { readonly token: string; readonly lifeSeconds: number }

type Needs = {
  readonly issuer: string
  readonly clientId: string
  /** Signs who the worker is. */
  readonly identity: Signer
  /** Signs what the token is bound to. */
  readonly binding: Signer
  readonly machine: Machine
}

type Answer = {
  readonly status: number
  readonly text: string
  readonly retryAfter: string | null
}

const grantType = 'urn:ietf:params:oauth:grant-type:token-exchange'
const grantTokenType = 'urn:counterfoil:token-type:grant'
const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

const answerWithin = 10_000
const assertionSeconds = 60
const longestAnswer = 64 * 1024

/**
 * Trades a grant's id for an access token (RFC 8693), as a client that proves its key (RFC 7523) and binds what it gets to
 * another one (RFC 9449). A `Refusal` of `workerRefusals`. Nothing that one exchange does hinders another: ids are no secrets and are
 * not used up, so whoever is not sure of an answer asks again.
 */
export function createExchange(needs: Needs): (asked: Asked) => Promise<Exchanged> {
  const { issuer, clientId, identity, binding, machine } = needs
  const address = `${issuer}/oauth/token`
  let nonce: string | undefined

  async function formOf({ grantId, scope, resource }: Asked, iat: number): Promise<URLSearchParams> {
    const header = { typ: 'client-authentication+jwt', kid: identity.kid }
    const whole = { iss: clientId, sub: clientId, aud: issuer, iat, exp: iat + assertionSeconds }
    const form = new URLSearchParams({
      grant_type: grantType,
      subject_token: grantId,
      subject_token_type: grantTokenType,
      client_assertion_type: assertionType,
      client_assertion: await identity.sign(header, { ...whole, jti: machine.nonce() }),
    })
    if (scope !== null) form.set('scope', scope)
    if (resource !== null) form.set('resource', resource)
    return form
  }

  async function attempt(asked: Asked, signal: AbortSignal): Promise<Answer> {
    const iat = Math.floor(machine.now().wall / 1000)
    // Each attempt is signed anew: an assertion and a proof are taken once.
    const form = await formOf(asked, iat)
    const dpop = await createProof(binding, { method: 'POST', url: address, iat, id: machine.nonce(), nonce })
    const response = await machine.fetch(reachable(address), {
      ...{ method: 'POST', body: form.toString(), signal },
      headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded', dpop },
      // Followed, a redirect would show our proofs to wherever it points.
      ...{ redirect: 'manual', cache: 'no-store' },
    })
    nonce = response.headers.get('dpop-nonce') ?? nonce
    const { status, headers } = response
    return { status, text: await readText(response, longestAnswer), retryAfter: headers.get('retry-after') }
  }

  /** Null where no whole answer came, `late` where none came in time. */
  async function send(asked: Asked): Promise<Answer | 'late' | null> {
    const controller = new AbortController()
    const cancel = machine.after(answerWithin, () => controller.abort())
    try {
      return await attempt(asked, controller.signal)
    } catch {
      return controller.signal.aborted ? 'late' : null
    } finally {
      cancel()
    }
  }

  return async function exchange(asked) {
    for (let round = 0; ; round++) {
      const before = nonce
      const answer = await send(asked)
      if (answer === 'late') return readExchanged(null)
      // A connection that was kept open may just have ended; and the first proof of all holds no nonce.
      const isSentAgain = answer === null || (wantsNonce(answer) && nonce !== before)
      if (!isSentAgain || round === 2) return readExchanged(answer)
    }
  }
}

type ProofOf = {
  method: string
  url: string
  iat: number
  id: string
  nonce?: string | undefined
  ath?: string
}

/** A DPoP proof (RFC 9449 4.2) for one request. */
export function createProof(signer: Signer, { method, url, iat, id, nonce, ath }: ProofOf): Promise<string> {
  const { origin, pathname } = new URL(url)
  const claims = { jti: id, htm: method, htu: origin + pathname, iat, nonce, ath }
  return signer.sign({ typ: 'dpop+jwt', jwk: signer.publicJwk }, claims)
}

function wantsNonce({ status, text }: Answer): boolean {
  return status === 400 && parseJsonObject(text)?.error === 'use_dpop_nonce'
}

/** What the server said: a token, or a refusal that tells whether to come back. */
export function readExchanged(answer: Answer | null): Exchanged {
  if (answer === null) throw workerRefusal('server_unavailable', { retryAfterSeconds: 1 })
  const body = parseJsonObject(answer.text)
  if (answer.status !== 200) throw refusalOf(answer, body?.error, body?.code)
  const { access_token: token, token_type: type, expires_in: lifeSeconds } = body ?? {}
  const isToken = typeof token === 'string' && token !== ''
  if (!isToken || typeof lifeSeconds !== 'number' || !(lifeSeconds > 0)) {
    throw workerRefusal('server_unavailable', { detail: 'the answer is no token', retryAfterSeconds: 1 })
  }
  // A token that works without the key would be worth stealing, which is what all of this is to avoid.
  if (typeof type !== 'string' || type.toLowerCase() !== 'dpop')
    throw workerRefusal('exchange_refused', { detail: 'the token is not bound to a key' })
  return { token, lifeSeconds }
}

const byError: ReadonlyMap<unknown, WorkerRefusalCode> = new Map([
  ['invalid_grant', 'grant_ended'],
  ['invalid_client', 'client_invalid'],
  ['unauthorized_client', 'client_unauthorized'],
  ['invalid_scope', 'scope_invalid'],
  ['invalid_target', 'target_invalid'],
])

/** Only what the server itself says in its own form ends a job; whatever a proxy puts in its place may be over soon. */
function refusalOf({ status, retryAfter }: Answer, error: unknown, code: unknown): Refusal {
  const named = byError.get(error)
  const detail = `the server answered ${status}`
  if (named === 'grant_ended')
    return workerRefusal(isWorkerCode(code) && code.startsWith('grant_') ? code : named, { detail })
  if (named !== undefined) return workerRefusal(named, { detail })
  const isOurs = typeof error === 'string' && status === 400 && error !== 'temporarily_unavailable'
  if (isOurs) return workerRefusal('exchange_refused', { detail })
  const seconds = /^[0-9]{1,6}$/.test(retryAfter ?? '') ? Number(retryAfter) : 1
  return workerRefusal('server_unavailable', { detail, retryAfterSeconds: seconds })
}
