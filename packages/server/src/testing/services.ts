import type { Agent } from './agent.ts'
import { assertionForm, type ClientKey, clientKey } from './client-key.ts'
import { accessTokenType, type Exchanged, exchangeGrantType } from './grants.ts'
import type { TestHouse } from './house.ts'
import { type KeyHolder, sendProven } from './key-holder.ts'

export const ordersApi = 'https://orders.example'
export const ledgerApi = 'https://ledger.example'
export const archiveApi = 'https://archive.example'

/** Three services in a row. The archive may call the orders back, which makes a circle. */
export const callChain = {
  audiences: [ordersApi, ledgerApi, archiveApi],
  exchanges: [
    { client: 'orders', from: ordersApi, to: [ledgerApi] },
    { client: 'ledger', from: ledgerApi, to: [archiveApi] },
    { client: 'archive', from: archiveApi, to: [ordersApi] },
  ],
}

/** A service that is called with tokens and calls the next one. */
export type Service = {
  readonly id: string
  readonly key: ClientKey
  readonly holder: KeyHolder
  /** Exchanges a token, bound to the service's own key unless `holder` is null. */
  exchange(token: string, form: Record<string, string>, holder?: KeyHolder | null): Promise<Exchanged>
}

/** One that policy names: ids are drawn, so it is given the one that was written down before. */
export async function serviceAt(
  at: TestHouse,
  { id, holder: own, scope = 'read write' }: { id: string; holder: KeyHolder; scope?: string },
): Promise<Service> {
  const key = await clientKey()
  const { client_id: drawn } = await at.house.clients.addWithoutSecret(id, { jwks: key.jwks, scope })
  await at.db.updateTable('client').set({ id }).where('id', '=', drawn).execute()
  return {
    id,
    key,
    holder: own,
    async exchange(token, given, holder = own) {
      const ask = () => ({
        ...{ grant_type: exchangeGrantType, subject_token: token, subject_token_type: accessTokenType },
        ...assertionForm(key.assertion({ clientId: id, issuer: at.issuer, now: at.machine.clock.now() })),
        ...given,
      })
      const agent = at.program()
      const answer = await (holder === null
        ? agent.submit('/oauth/token', ask())
        : sendProven(at, { agent, holder }, { method: 'POST', path: '/oauth/token', form: ask() }))
      const body = (await answer.json()) as Record<string, unknown>
      return { status: answer.status, body, token: String(body.access_token) }
    },
  }
}

/** A bound token of this browser's session, for a service. */
export async function tokenFor(
  at: TestHouse,
  { browser: agent, holder }: { browser: Agent; holder: KeyHolder },
  audience: string,
): Promise<string> {
  const sent = { method: 'POST', path: '/auth/token', json: { audience } }
  const answer = await sendProven(at, { agent, holder }, sent)
  if (answer.status !== 200) throw new Error(`expected 200, got ${answer.status}: ${await answer.text()}`)
  return ((await answer.json()) as { access_token: string }).access_token
}
