import { createClient, Refusal } from '@counterfoil/browser'

export const auth = createClient({ carrier: 'cookie' })

/** What to tell whoever typed this; null once they are signed in. */
export async function submit(email: string, password: string): Promise<string | null> {
  try {
    await auth.signIn({ email, password })
    return null
  } catch (fault) {
    if (!(fault instanceof Refusal)) throw fault // no network, or a server that is down
    if (fault.code === 'sign_in_failed') return 'Address and password do not fit.'
    if (fault.code === 'too_many_attempts') return `Wait ${fault.retryAfterSeconds} s.`
    return fault.code
  }
}

/** The cookie goes by itself, and the guard sees that the page is ours. */
export const pay = (body: string) => auth.fetch('/payments', { method: 'POST', body })
export const signOut = () => auth.signOut() // in every tab
