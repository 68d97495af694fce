import type { SendBound } from './bound.ts'
import type { Carrier } from './carrier.ts'
import type { Access } from './known.ts'
import { bounded, type Machine } from './machine.ts'
import { readJson, refusalOf } from './refusal.ts'
import { accessOf, sendRenewing } from './renewing.ts'
import type { Tabs } from './tabs.ts'

type Needs = {
  machine: Machine
  tabs: Tabs
  sendBound: SendBound
  carrier: Carrier
  issuer: string
  audience: string
}

/**
 * Sends requests to another service with a token that is made for it alone: what is shown there is of no use at the
 * issuer, or to anybody without the key. It belongs to the session, whichever carrier that has, and ends with it.
 */
export function createAudience(needs: Needs): (request: Request) => Promise<Response> {
  const { machine, tabs, sendBound, carrier, issuer, audience } = needs
  let kept: { access: Access; of: string | undefined } | null = null
  let asking: Promise<Access | null> | null = null

  const sessionId = () => tabs.known().session?.session.id
  /** Of this session: somebody else may have signed in meanwhile. */
  const held = () => (kept !== null && kept.of === sessionId() ? kept.access : null)

  async function ask(): Promise<Access | null> {
    const of = sessionId()
    const headers = { 'content-type': 'application/json' }
    const init = bounded({ method: 'POST', headers, body: JSON.stringify({ audience }) })
    const proven = await carrier.proveKey(new Request(`${issuer}/auth/token`, init))
    if (proven === null || proven.response.status === 401) return null
    if (!proven.response.ok) throw await refusalOf(proven.response)
    const access = accessOf(machine, proven.keys, await readJson(proven.response))
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
