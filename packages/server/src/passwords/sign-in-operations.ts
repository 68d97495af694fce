import { type DeviceOwner, knownDevice, parseEmail } from '../accounts/index.ts'
import type { Db } from '../db/schema.ts'
import { transact } from '../db/transact.ts'
import type { Ending } from '../feed/index.ts'
import { refuse } from '../refusals.ts'
import type { Attempt } from './attempts.ts'
import type { Begun, Needs, NewSession } from './needs.ts'
import { normalisePassword } from './password.ts'
import * as store from './store.ts'

/** `isBound`: what it is handed is bound to a key, so nothing is drawn before that. */
export type SigningIn = NewSession & {
  email: string
  password: string
  deviceCookie: string | null
  isBound: boolean
}

export type SignIn = {
  /**
   * Begins a session by address and password. One refusal, `sign_in_failed`, at one cost for an unknown
   * address, a wrong password, an unproven and a disabled account.
   */
  signIn(given: SigningIn): Promise<Begun>
  /** Whether this is their password, and nothing more: refuses with `password_wrong`, and counts the attempt. */
  prove(given: Present & { password: string }): Promise<void>
  /** A fresh proof within a session. Refuses with `password_wrong`. The caller hands out a new credential. */
  reauthenticate(given: Present & { password: string }): Promise<void>
  /** Sets a new password and ends every other session of the account; this one begins again. */
  changePassword(given: Present & { current: string; next: string }): Promise<DeviceOwner>
}

const nobody: DeviceOwner = { accountId: '', accountEnd: 0 }

/** A caller who is here, in a session. */
export type Present = {
  accountId: string
  sessionId: string
  carrier: 'cookie' | 'token'
  network: string | null
}

export function createSignIn(needs: Needs): SignIn {
  const {
    db,
    clock,
    secrets,
    hasher,
    policy,
    feed,
    events,
    mail,
    accounts,
    sessions,
    attempts,
    checkNew,
    turns,
    outlive,
  } = needs

  /** The same work whether or not there is anything to compare with. */
  async function verify(
    attempt: Attempt,
    { who, stored, typed }: { who: string; stored: string | undefined; typed: string },
  ): Promise<boolean> {
    try {
      return await turns.take(who, () => hasher.verify(stored ?? hasher.nobody, typed))
    } catch (error) {
      await attempt.giveBack()
      throw error
    }
  }

  /**
   * Whatever ended the account's past while the password was being hashed has ended this sign-in too. Holds the
   * account, so it stays true until the transaction is over.
   */
  async function isStillOpen(tx: Db, found: store.StoredCredential): Promise<boolean> {
    const account = await accounts.lock(tx, found.accountId)
    return account?.state === 'active' && account.end_position <= found.position
  }

  /** A session that has ended meanwhile is not brought back by a right password. */
  async function proveSession(
    tx: Db,
    found: store.StoredCredential,
    sessionId: string,
  ): Promise<readonly Ending[] | null> {
    if (!(await isStillOpen(tx, found))) return null
    const session = await sessions.findLive(sessionId, tx)
    return session === null ? null : sessions.renewProof(tx, sessionId)
  }

  async function noteFailure(
    attempt: Attempt,
    failure: {
      kind: 'sign_in_failed' | 'reauthentication_failed' | 'password_change_failed'
      accountId: string | null
      sessionId?: string
      network: string | null
    },
  ): Promise<void> {
    await events.record(db, { ...failure, outcome: 'refused' })
    if (!attempt.isLast) return
    const { accountId, network } = failure
    await events.record(db, { kind: 'limit_reached', outcome: 'refused', accountId, network })
  }

  /** The current password of somebody who is here; the one found, if it fits. */
  async function proveAgain(
    { accountId, sessionId, network }: Present,
    { typed, failure }: { typed: string; failure: 'reauthentication_failed' | 'password_change_failed' },
  ): Promise<store.StoredCredential> {
    // Before anything is counted: what cannot be a password is no attempt.
    const password = normalisePassword(typed)
    const attempt = await attempts.withinSession(sessionId)
    const found = await store.findByAccount(db, accountId)
    const fits = await verify(attempt, {
      who: found?.email ?? accountId,
      stored: found?.hash,
      typed: password,
    })
    if (!fits || found === undefined) {
      await noteFailure(attempt, { kind: failure, accountId, sessionId, network })
      refuse('password_wrong')
    }
    await attempt.giveBack()
    return found
  }

  async function upgradeHash(tx: Db, found: store.StoredCredential, to: string): Promise<void> {
    const { accountId, hash: from } = found
    const isUpgraded = await store.exchangeHash(tx, { accountId, from, to })
    if (isUpgraded) await events.record(tx, { kind: 'password_upgraded', outcome: 'done', accountId })
  }

  return {
    async signIn({ email: given, password, deviceCookie, isBound, ...begins }) {
      const email = parseEmail(given)
      const typed = normalisePassword(password)
      const { network, carrier } = begins
      const found = await store.findByEmail(db, email)
      // The same work where there is no account.
      const known = knownDevice(secrets, deviceCookie, found ?? nobody)
      const attempt = await attempts.signIn({ email, network, device: known })
      const fits = await verify(attempt, { who: email, stored: found?.hash, typed })
      const isUnproven = policy.verifiedEmail === 'required' && found?.verifiedAt === null
      if (!fits || found === undefined || found.state !== 'active' || isUnproven) {
        await noteFailure(attempt, { kind: 'sign_in_failed', accountId: found?.accountId ?? null, network })
        refuse('sign_in_failed')
      }
      await attempt.giveBack()
      const isOutdated = hasher.isOutdated(found.hash)
      const upgraded = isOutdated ? await turns.take(email, () => hasher.hash(typed)) : null
      return transact(db, async (tx) => {
        if (!(await isStillOpen(tx, found))) refuse('sign_in_failed', { detail: 'dead on arrival' })
        if (upgraded !== null) await upgradeHash(tx, found, upgraded)
        const { accountId, accountEnd, position: began } = found
        const session = { ...begins, accountId, began, amr: 'pwd', draws: !isBound }
        const { id: sessionId, endings, drawn } = await sessions.begin(tx, session)
        if (endings.length > 0) await feed.append(tx, endings)
        return { accountId, accountEnd, sessionId, carrier, drawn }
      })
    },

    async prove({ password, ...present }) {
      await proveAgain(present, { typed: password, failure: 'reauthentication_failed' })
    },

    async reauthenticate({ password, ...present }) {
      const found = await proveAgain(present, { typed: password, failure: 'reauthentication_failed' })
      const { accountId, sessionId, network } = present
      await transact(db, async (tx) => {
        const endings = await proveSession(tx, found, sessionId)
        if (endings === null) refuse('session_ended')
        await sessions.beginAgain(tx, { id: sessionId, position: found.position })
        await events.record(tx, { kind: 'reauthenticated', outcome: 'done', accountId, sessionId, network })
        if (endings.length > 0) await feed.append(tx, endings)
      })
    },

    async changePassword({ current, next, ...present }) {
      const password = normalisePassword(next)
      const found = await proveAgain(present, { typed: current, failure: 'password_change_failed' })
      checkNew(password, found.email)
      const hash = await turns.take(found.email, () => hasher.hash(password))
      const { accountId, sessionId, network } = present
      const accountEnd = await transact(db, async (tx) => {
        const endings = await proveSession(tx, found, sessionId)
        if (endings === null) refuse('session_ended')
        await store.setPassword(tx, { accountId, hash, at: clock.now() })
        await store.dropResets(tx, accountId)
        await store.forgetSignUpProofs(tx, found.email)
        await events.record(tx, { kind: 'password_changed', outcome: 'done', accountId, sessionId, network })
        await mail.enqueue(tx, { to: found.email, kind: 'password_changed', linkId: null })
        const outlived = await outlive(tx, { accountId, cause: 'change' })
        const position = await accounts.endAll(tx, accountId, endings)
        await outlived(position)
        await sessions.beginAgain(tx, { id: sessionId, position })
        return position
      })
      mail.kick()
      return { accountId, accountEnd }
    },
  }
}
