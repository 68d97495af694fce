import type { Client, SignedIn } from '@counterfoil/browser'
import { SessionProvider, useSession } from '@counterfoil/browser/react'

/** `initial`: whom the server found in this very request, or null. Say nothing of it where only the browser knows. */
export function Page({ client, initial }: { client: Client; initial: SignedIn | null }) {
  return (
    <SessionProvider client={client} initial={initial}>
      <Header />
    </SessionProvider>
  )
}

function Header() {
  const { status, session, client } = useSession()
  if (status === 'loading') return null
  if (status !== 'signed-in') return <a href="/sign-in">Sign in</a>
  return (
    <button type="button" onClick={() => client.signOut()}>
      {session.account.email}: sign out
    </button>
  )
}
