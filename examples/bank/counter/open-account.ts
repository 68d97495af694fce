import type { Auth } from 'counterfoil'
import type { Person } from '../people.ts'

/**
 * As anybody opens an account: sign up, take the link from the development mailbox, confirm; and then sign out,
 * so that the list of devices begins empty. Whoever has an account already gets a letter without a link.
 */
export async function openAccount(auth: Auth, origin: string, { email, password }: Person): Promise<void> {
  const ask = (path: string, init: RequestInit) =>
    auth.fetch(new Request(origin + path, init), { address: '127.0.0.1' })
  const post = (path: string, json: object, headers: Record<string, string> = {}) =>
    ask(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(json),
    })

  await post('/auth/sign-up', { email, password })
  const mailbox = await ask('/dev/mail', { headers: { accept: 'application/json' } })
  const letters = (await mailbox.json()) as { to: string; text: string }[]
  const token = /verify\?token=([\w-]+)/.exec(letters.find(({ to }) => to === email)?.text ?? '')?.[1]
  if (token === undefined) return
  const verified = await post('/auth/verify-email', { token, password, carrier: 'token' })
  if (verified.status !== 200) throw new Error(`${email} got no account: ${await verified.text()}`)
  const { access_token } = (await verified.json()) as { access_token: string }
  await post('/auth/sign-out', {}, { authorization: `Bearer ${access_token}` })
}
