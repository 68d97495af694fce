import type { SignedIn } from './known.ts'

/** How the session is shown to the server, and what has to be kept for it. */
export type Carrier = {
  /** Sends a request as whoever is signed in. As nobody, if nobody is. */
  send(request: Request): Promise<Response>
  /** False where nothing is held that could be shown, so that the server need not be asked. */
  mayBeSignedIn(): Promise<boolean>
  /** Posts to one of the server's own endpoints and takes over the credential that it answers with. */
  prove(path: string, fields: object): Promise<SignedIn | null>
  /** Ends the session at the server and forgets it here. */
  signOut(): Promise<void>
}

/** The account and session of an answer that hands out a credential; null where it hands out none. */
export function signedInOf({ account, session }: Record<string, unknown>): SignedIn | null {
  return account == null || session == null ? null : ({ account, session } as SignedIn)
}
