import type { SendBound } from './bound.ts'
import type { Access } from './known.ts'
import { bounded, type Machine } from './machine.ts'
import { createKeys } from './proof.ts'
import { readJson, refusalOf } from './refusal.ts'
import { accessOf, sendRenewing } from './renewing.ts'
import type { Tabs } from './tabs.ts'

type Needs = {
  machine: Machine
  tabs: Tabs
  sendBound: SendBound
  issuer: string
  audience: string
}

/**
 * Sends requests to another service with a token that is made for it alone, in exchange for the cookie: what is shown
 * there is of no use at the issuer, or to anybody without the key. It belongs to the cookie's session and ends with it.
 */
export function createAudience(needs: Needs): (request: Request) => Promise<Response> {
  const { machine, tabs, sendBound, issuer, audience } = needs
  // Lives as long as the page: there is nothing to store.
  let keys: Promise<CryptoKeyPair> | null = null
  let kept: { access: Access; of: string | undefined } | null = null
  let asking: Promise<Access | null> | null = null

  const sessionId = () => tabs.known().session?.session.id
  /** Of this session: somebody else may have signed in meanwhile. */
  const held = () => (kept !== null && kept.of === sessionId() ? kept.access : null)

  async function ask(): Promise<Access | null> {
    const of = sessionId()
    const headers = { 'content-type': 'application/json' }
    const init = bounded({ method: 'POST', headers, body: JSON.stringify({ audience }) })
    keys ??= createKeys(machine.subtle())
    const bound = { keys: await keys }
    const response = await sendBound(new Request(`${issuer}/auth/token`, init), bound, 'same-origin')
    if (response.status === 401) return null
    if (!response.ok) throw await refusalOf(response)
    const access = accessOf(machine, bound.keys, await readJson(response))
    kept = { access, of }
    return access
  }

  function renew(): Promise<Access | null> {
    asking ??= ask().finally(() => {
      asking = null
    })
    return asking
  }

  return (request) => sendRenewing(request, { machine, sendBound, held, renew })
}
