import {
  createContext,
  createElement,
  type ReactNode,
  useContext,
  useEffect,
  useMemo,
  useSyncExternalStore,
} from 'react'
import type { Client } from './client.ts'
import { type SessionState, type SignedIn, stateOf } from './known.ts'

type Provided = { client: Client; initial: SessionState }

const Session = createContext<Provided | null>(null)

/**
 * Gives the client to everything below. `initial` is what the server knew when it rendered the page: with it (null
 * included) the first picture is right, and nobody is asked. It belongs to this page alone and is never kept.
 */
export function SessionProvider(props: {
  client: Client
  initial?: SignedIn | null
  children?: ReactNode
}): ReactNode {
  const { client, initial, children } = props
  const value = useMemo(() => ({ client, initial: stateOf(initial) }), [client, initial])
  return createElement(Session.Provider, { value }, children)
}

/** Who is signed in, kept current over all tabs. However many components call it, the server is asked once. */
export function useSession(): SessionState & { client: Client } {
  const provided = useContext(Session)
  if (provided === null) throw new Error('Put a SessionProvider around whatever calls useSession.')
  const { client, initial } = provided
  const shown = () => (client.state().status === 'loading' ? initial : client.state())
  const state = useSyncExternalStore(client.subscribe, shown, () => initial)
  const isUnknown = state.status === 'loading'
  useEffect(() => {
    // What went wrong is in the state.
    if (isUnknown) client.session().catch(() => undefined)
  }, [client, isUnknown])
  return { ...state, client }
}
