import type { SendBound } from './bound.ts'
import { type Carrier, signedInOf } from './carrier.ts'
import type { Access } from './known.ts'
import { bounded, type Machine } from './machine.ts'
import type { Peers } from './peers.ts'
import { claimsOf, createKeys } from './proof.ts'
import { codesOf, readJson, refusalOf } from './refusal.ts'
import { accessOf, isFresh, sendRenewing } from './renewing.ts'
import type { Tabs } from './tabs.ts'
import type { Held, Vault } from './vault.ts'

type Needs = {
  machine: Machine
  peers: Peers
  tabs: Tabs
  vault: Vault
  sendBound: SendBound
  issuer: string
}

/** How long a tab that knows nothing, and one that has been overtaken, wait for another tab's answer. Milliseconds. */
const glance = 25
const patience = 250

/** Where a session goes from this carrier to the cookie, and comes from there. */
const moving = '/auth/carrier'

/** A new session has a new key: the one that lies there may have been put there by script, which knows it then. */
const begins = /^\/auth\/sign-|^\/auth\/verify-/

/**
 * The access token is in memory. The refresh token is stored beside a key that cannot be copied, and is refused without
 * it, so it is not rotated: a lost answer, a closed tab or five tabs at once leave nothing to be confused about.
 */
export function createTokenCarrier({ machine, peers, tabs, vault, sendBound, issuer }: Needs): Carrier {
  let renewing: Promise<Access | null> | null = null

  function forget(): null {
    if (tabs.known().session !== null) tabs.tell({ session: null, access: null })
    return null
  }

  async function letGo(): Promise<null> {
    await vault.clear()
    return forget()
  }

  async function adopt(
    keys: CryptoKeyPair,
    answer: Record<string, unknown>,
    held: Held | null,
  ): Promise<Access> {
    const access = accessOf(machine, keys, answer)
    peers.tell(issuer, Number(claimsOf(access.token).iat))
    await vault.write({
      keys,
      refreshToken: String(answer.refresh_token ?? held?.refreshToken),
      mark: access.mark,
    })
    // Who it is, is asked anew where it was thought to be nobody.
    const session = signedInOf(answer) ?? tabs.known().session ?? undefined
    tabs.tell({ session, access, ahead: peers.ahead() })
    return access
  }

  /** Holding the lock: a token that is not `old`, from another tab if one has it, otherwise from the server. */
  async function renewWithin(old: Access | null): Promise<Access | null> {
    const isNewer = ({ access } = tabs.known()) => access?.mark !== old?.mark && isFresh(machine, access)
    if (isNewer()) return tabs.known().access
    const held = await vault.read()
    if (held === null) return forget()
    if (held.mark !== old?.mark) await tabs.ask(old === null ? glance : patience)
    if (isNewer() && tabs.known().access?.mark === held.mark) return tabs.known().access
    const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: held.refreshToken })
    const request = new Request(`${issuer}/oauth/token`, bounded({ method: 'POST', body }))
    const response = await sendBound(request, held)
    if (response.ok) return adopt(held.keys, await readJson(response), held)
    if (!(await codesOf(response)).includes('invalid_grant')) throw await refusalOf(response)
    return letGo()
  }

  function currentWithin(): Promise<Access | null> {
    const { access } = tabs.known()
    return isFresh(machine, access) ? Promise.resolve(access) : renewWithin(access)
  }

  /** However many requests wait, in however many tabs, one of them asks. */
  function renew(old: Access | null): Promise<Access | null> {
    renewing ??= tabs
      .alone('token', () => renewWithin(old))
      .finally(() => {
        renewing = null
      })
    return renewing
  }

  async function current(): Promise<Access | null> {
    const { access } = tabs.known()
    return isFresh(machine, access) ? access : renew(access)
  }

  function post(
    path: string,
    fields: object,
    bound: { keys: CryptoKeyPair; token?: string },
  ): Promise<Response> {
    const headers = { 'content-type': 'application/json' }
    const init = bounded({ method: 'POST', headers, body: JSON.stringify(fields) })
    // The one place where the cookie has a part: as what is shown, or as what is set.
    return sendBound(new Request(issuer + path, init), bound, path === moving ? 'same-origin' : 'omit')
  }

  return {
    mayBeSignedIn: async () => (await current()) !== null,
    send: (request) => sendRenewing(request, { machine, sendBound, held: () => tabs.known().access, renew }),
    prove: (path, fields) =>
      tabs.alone('token', async () => {
        if (path === moving && issuer !== machine.origin())
          throw new TypeError('A cookie is for pages of the issuer’s own origin.')
        // Where nothing can be kept, nothing is asked for.
        await vault.read()
        // An old session that cannot be renewed must not keep anybody from beginning a new one.
        const before = await currentWithin().catch(() => null)
        const goesOn = before !== null && !begins.test(path)
        const keys = goesOn ? before.keys : await createKeys(machine.subtle())
        const bound = goesOn ? before : { keys }
        const response = await post(path, { carrier: 'token', ...fields }, bound)
        if (!response.ok) throw await refusalOf(response)
        const answer = await readJson(response)
        if (answer.access_token === undefined) return path === moving ? letGo() : null
        await adopt(keys, answer, null)
        const signedIn = signedInOf(answer)
        // Whoever signs in again does not want to be on the list of devices twice.
        if (before !== null && claimsOf(before.token).sid !== signedIn?.session.id)
          await post('/auth/sign-out', {}, before).catch(() => null)
        return signedIn
      }),
    signOut: () =>
      tabs.alone('token', async () => {
        try {
          const access = await currentWithin()
          if (access === null) return
          const response = await post('/auth/sign-out', {}, access)
          if (!response.ok && response.status !== 401) throw await refusalOf(response)
        } finally {
          // Without the key nobody can use the session any more, even if the server could not be told.
          await letGo()
        }
      }),
  }
}
