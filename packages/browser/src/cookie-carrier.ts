import { type Carrier, signedInOf } from './carrier.ts'
import { bounded, type Machine } from './machine.ts'
import { readJson, refusalOf } from './refusal.ts'
import type { Tabs } from './tabs.ts'

/** The browser keeps the cookie and sends it by itself; script never sees it, and there is nothing to store. */
export function createCookieCarrier(needs: { machine: Machine; tabs: Tabs; issuer: string }): Carrier {
  const { machine, tabs, issuer } = needs

  async function post(path: string, fields: object): Promise<Response> {
    const headers = { 'content-type': 'application/json' }
    const body = JSON.stringify(fields)
    const init = bounded({ method: 'POST', headers, body, credentials: 'same-origin' })
    const response = await machine.send(new Request(issuer + path, init))
    if (!response.ok) throw await refusalOf(response)
    return response
  }

  return {
    send: (request) => machine.send(request),
    mayBeSignedIn: async () => true,
    async prove(path, fields) {
      const signedIn = signedInOf(await readJson(await post(path, { ...fields, carrier: 'cookie' })))
      if (signedIn !== null) tabs.tell({ session: signedIn })
      return signedIn
    },
    async signOut() {
      await post('/auth/sign-out', {})
      tabs.tell({ session: null })
    },
  }
}
