import type { Secrets } from '../machine.ts'

/**
 * What can end. `changed` ends nothing: it asks whoever holds a statement to read again.
 * `cookie` is one replaced cookie value of a session that goes on.
 */
export type FeedKind = 'session' | 'cookie' | 'account' | 'client' | 'grant' | 'key' | 'everyone' | 'changed'

export type Ending = { kind: FeedKind; id: string }

/** Truncated hash of kind and id: the feed tells nothing to anyone who does not hold the credential already. */
export function feedKey(secrets: Pick<Secrets, 'hash'>, ending: Ending): string {
  return secrets.hash(`${ending.kind}:${ending.id}`).slice(0, 22)
}
