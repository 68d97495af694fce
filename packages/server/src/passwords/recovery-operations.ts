import { type DeviceOwner, parseEmail } from '../accounts/index.ts'
import { transact } from '../db/transact.ts'
import { refuse } from '../refusals.ts'
import type { Needs } from './needs.ts'
import { normalisePassword } from './password.ts'
import * as store from './store.ts'

export type Recovery = {
  /** Sends a link if there is an active account. Says and costs the same where there is none. */
  forgot(given: { email: string; network: string | null }): Promise<void>
  /** Whether a link may still be used, for the page to show. Consumes nothing. */
  peek(token: string): Promise<boolean>
  /** Sets a new password by a link from the mail, and ends everything the account had begun. */
  reset(given: { token: string; password: string; network: string | null }): Promise<DeviceOwner>
}

export function createRecovery(needs: Needs): Recovery {
  const { db, clock, entropy, hasher, policy, events, mail, accounts, attempts, checkNew, turns, outlive } =
    needs

  async function findLink(token: string): Promise<{ id: string; credential: store.StoredCredential } | null> {
    const id = mail.readLinkToken('reset', token)
    const row = id === null ? undefined : await store.findReset(db, { id, now: clock.now() })
    if (id === null || row === undefined || row.accountId === null) return null
    const credential = await store.findByAccount(db, row.accountId)
    return credential?.state === 'active' ? { id, credential } : null
  }

  return {
    async forgot({ email: given, network }) {
      const email = parseEmail(given)
      await attempts.recovery(network)
      const maySend = await attempts.mayMail('reset', email)
      const account = await accounts.findByEmail(db, email)
      const accountId = account?.state === 'active' ? account.id : null
      const id = entropy.id()
      const at = clock.now()
      await transact(db, async (tx) => {
        await events.record(tx, { kind: 'password_reset_requested', outcome: 'done', accountId, network })
        // Held back, a mail must not void the link of the one before it either.
        const isSent = maySend && accountId !== null
        // A row that is not there costs the same statement.
        await accounts.lock(tx, accountId ?? id)
        const expiresAt = at + policy.mailLinkSeconds
        await store.replaceReset(tx, { id, accountId: isSent ? accountId : null, at, expiresAt })
        await mail.enqueue(tx, { to: email, kind: isSent ? 'reset' : 'void', linkId: id })
      })
      mail.kick()
    },

    async peek(token) {
      return (await findLink(token)) !== null
    },

    async reset({ token, password, network }) {
      const link = await findLink(token)
      if (link === null) refuse('link_invalid')
      const { accountId, email } = link.credential
      const typed = normalisePassword(password)
      checkNew(typed, email)
      const hash = await turns.take(email, () => hasher.hash(typed))
      const accountEnd = await transact(db, async (tx) => {
        const at = clock.now()
        if ((await accounts.lock(tx, accountId))?.state !== 'active') refuse('link_invalid')
        if (!(await store.consumeReset(tx, { id: link.id, now: at }))) refuse('link_invalid')
        await store.dropResets(tx, accountId)
        await store.dropSignUps(tx, email)
        await store.setPassword(tx, { accountId, hash, at })
        await accounts.markVerified(tx, accountId)
        await events.record(tx, { kind: 'password_reset', outcome: 'done', accountId, network })
        await mail.enqueue(tx, { to: email, kind: 'password_changed', linkId: null })
        const outlived = await outlive(tx, { accountId, cause: 'reset' })
        const position = await accounts.endAll(tx, accountId)
        await outlived(position)
        return position
      })
      mail.kick()
      return { accountId, accountEnd }
    },
  }
}
