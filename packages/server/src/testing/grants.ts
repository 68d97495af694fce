import type { Agent } from './agent.ts'
import { assertionForm, type ClientKey, clientKey } from './client-key.ts'
import type { TestHouse } from './house.ts'

export const grantTokenType = 'urn:counterfoil:token-type:grant'
export const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token'
export const exchangeGrantType = 'urn:ietf:params:oauth:grant-type:token-exchange'

export type Terms = {
  client_id: string
  scope: string
  audience: string
  expires_in: number
  purpose: string
  on_sign_out?: 'keep' | 'end'
  on_password_reset?: 'keep' | 'end'
}

/** A job with a key of its own, which is all that it has. */
export type Worker = {
  readonly id: string
  readonly key: ClientKey
  terms(given?: Partial<Terms>): Terms
  exchange(grant: string, form?: Record<string, string>): Promise<Exchanged>
}

export type Exchanged = { status: number; body: Record<string, unknown>; token: string }

export async function workerAt(
  { house, issuer, machine, program }: TestHouse,
  { name = 'Monthly statements', scope = 'statements:read statements:write' } = {},
): Promise<Worker> {
  const key = await clientKey()
  const { client_id: id } = await house.clients.addWithoutSecret(name, { jwks: key.jwks, scope })
  return {
    id,
    key,
    terms: (given = {}) => ({
      ...{ client_id: id, scope: 'statements:read', audience: issuer, expires_in: 86_400 },
      purpose: 'Send you a statement each month',
      ...given,
    }),
    async exchange(grant, form = {}) {
      const assertion = key.assertion({ clientId: id, issuer, now: machine.clock.now() })
      const answer = await program().submit('/oauth/token', {
        ...{ grant_type: exchangeGrantType, subject_token: grant, subject_token_type: grantTokenType },
        ...assertionForm(assertion),
        ...form,
      })
      const body = (await answer.json()) as Record<string, unknown>
      return { status: answer.status, body, token: String(body.access_token) }
    },
  }
}

/** The id of a grant that this browser's account gives. */
export async function giveGrant(browser: Agent, terms: Terms): Promise<string> {
  const answer = await browser.post('/auth/grants', terms)
  if (answer.status !== 201) throw new Error(`expected 201, got ${answer.status}: ${await answer.text()}`)
  return ((await answer.json()) as { id: string }).id
}
