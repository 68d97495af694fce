import { type DeviceOwner, parseEmail } from '../accounts/index.ts'
import type { Db, SignUpTable } from '../db/schema.ts'
import { transact } from '../db/transact.ts'
import { refuse } from '../refusals.ts'
import type { Begun, Needs, NewSession } from './needs.ts'
import { normalisePassword } from './password.ts'
import * as store from './store.ts'

export type SignUp = {
  /**
   * Keeps a sign-up until the mailbox is proven and sends the mail. What it answers and what it costs do not
   * tell whether the address has an account; the mail does. `began` is null unless policy lets an account
   * begin unproven. `browser` goes back to the browser that signed up, if it is one.
   */
  signUp(
    given: NewSession & { email: string; password: string },
  ): Promise<{ began: Begun | null; browser: string }>
  /** The address that a link would prove, for the page to show; `null` for a dead link. Consumes nothing. */
  peek(token: string): Promise<string | null>
  /**
   * Turns a proven mailbox into an account and begins its first session. In the browser that signed up the
   * link is enough. Elsewhere it proves the mailbox alone: the unproven password is dropped, and
   * `password_required` asks for one, so that nobody who signed up with somebody else's address ever has a
   * working password for it.
   */
  verifyEmail(
    given: NewSession & { token: string; password: string | null; browser: string | null },
  ): Promise<Begun>
}

const browserBytes = 32

export function createSignUp(needs: Needs): SignUp {
  const {
    db,
    clock,
    entropy,
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
  } = needs
  const isOptional = policy.verifiedEmail === 'optional'

  function signUpRow(given: {
    email: string
    hash: string
    browserHash: string
    accountId: string | null
  }): SignUpTable {
    const now = clock.now()
    return {
      id: entropy.id(),
      email: given.email,
      password_hash: given.hash,
      browser_hash: given.browserHash,
      account_id: given.accountId,
      created_at: now,
      expires_at: now + policy.mailLinkSeconds,
    }
  }

  async function begin(
    tx: Db,
    session: NewSession,
    given: DeviceOwner & { hasEnded: boolean; amr: string },
  ): Promise<Begun> {
    const { accountId, hasEnded, amr } = given
    const began = await feed.position(tx)
    const { id: sessionId, endings } = await sessions.begin(tx, { ...session, accountId, began, amr })
    const { carrier } = session
    if (!hasEnded) {
      if (endings.length > 0) await feed.append(tx, endings)
      return { accountId, accountEnd: given.accountEnd, sessionId, carrier }
    }
    // All that went before is over, and this session is the first of what comes after.
    const accountEnd = await accounts.endAll(tx, accountId, endings)
    await sessions.beginAgain(tx, { id: sessionId, position: accountEnd })
    return { accountId, accountEnd, sessionId, carrier }
  }

  /** Policy `optional`: the account is there at once, and unproven until its link is used. */
  async function beginUnproven(
    tx: Db,
    session: NewSession,
    row: SignUpTable,
    maySend: boolean,
  ): Promise<Begun> {
    const account = await accounts.create(tx, { email: row.email, isVerified: false })
    if (account === null) refuse('email_taken')
    await store.setPassword(tx, { accountId: account.id, hash: row.password_hash ?? '', at: clock.now() })
    await store.insertSignUp(tx, { ...row, account_id: account.id })
    await mail.enqueue(tx, { to: row.email, kind: maySend ? 'verify' : 'void', linkId: row.id })
    return begin(tx, session, { accountId: account.id, accountEnd: 0, hasEnded: false, amr: 'pwd' })
  }

  async function keepForProof(tx: Db, row: SignUpTable, maySend: boolean): Promise<null> {
    const account = await accounts.findByEmail(tx, row.email)
    // Kept either way, so that both cost the same; where there is an account, no link leads to it.
    await store.insertSignUp(tx, account === null ? row : { ...row, password_hash: null, browser_hash: null })
    const kind = account === null ? 'verify' : 'account_exists'
    await mail.enqueue(tx, {
      to: row.email,
      kind: maySend ? kind : 'void',
      linkId: account === null ? row.id : null,
    })
    return null
  }

  /** The account that a consumed sign-up leads to. `hash` is null where its own password stays. */
  async function settle(
    tx: Db,
    row: SignUpTable,
    { hash, accountEnd }: { hash: string | null; accountEnd: number },
  ): Promise<DeviceOwner & { hasEnded: boolean }> {
    const at = clock.now()
    if (row.account_id === null) {
      const account = await accounts.create(tx, { email: row.email, isVerified: true })
      const first = hash ?? row.password_hash
      if (account === null || first === null) refuse('link_invalid')
      await store.setPassword(tx, { accountId: account.id, hash: first, at })
      return { accountId: account.id, accountEnd: 0, hasEnded: false }
    }
    // What was enough when the link was read was forgotten meanwhile: the password has changed.
    if (hash === null && row.password_hash === null) refuse('password_required')
    await accounts.markVerified(tx, row.account_id)
    if (hash === null) return { accountId: row.account_id, accountEnd, hasEnded: false }
    // Proven by somebody who is not the one who signed up: all that the other one had is over.
    await store.setPassword(tx, { accountId: row.account_id, hash, at })
    await store.dropResets(tx, row.account_id)
    return { accountId: row.account_id, accountEnd, hasEnded: true }
  }

  async function findLink(token: string): Promise<SignUpTable | null> {
    const id = mail.readLinkToken('verify', token)
    const link = id === null ? undefined : await store.findSignUp(db, { id, now: clock.now() })
    if (link === undefined || link.account_id === null) return link ?? null
    return (await accounts.findById(db, link.account_id))?.state === 'active' ? link : null
  }

  /** `null` where it is the sign-up's own password, which then stays as it is; otherwise a new one. */
  async function hashUnlessKept(link: SignUpTable, password: string): Promise<string | null> {
    const typed = normalisePassword(password)
    // The sign-up's own password has passed this too; what does not is refused before any work is done for it.
    checkNew(typed, link.email)
    return turns.take(link.email, async () => {
      const isKept = link.password_hash !== null && (await hasher.verify(link.password_hash, typed))
      return isKept ? null : hasher.hash(typed)
    })
  }

  function isSameBrowser(row: SignUpTable, browser: string | null): boolean {
    const random = browser === null ? null : secrets.open('sign_up', browser, browserBytes)
    return (
      random !== null && row.browser_hash !== null && secrets.equal(secrets.hash(random), row.browser_hash)
    )
  }

  return {
    async signUp({ email: given, password, ...session }) {
      const email = parseEmail(given)
      const typed = normalisePassword(password)
      checkNew(typed, email)
      await attempts.signUp(session.network)
      const maySend = await attempts.mayMail('sign_up', email)
      const hash = await hasher.hash(typed)
      const random = entropy.bytes(browserBytes)
      const row = signUpRow({ email, hash, browserHash: secrets.hash(random), accountId: null })
      const began = await transact(db, async (tx) => {
        await events.record(tx, { kind: 'sign_up_requested', outcome: 'done', network: session.network })
        return isOptional ? beginUnproven(tx, session, row, maySend) : keepForProof(tx, row, maySend)
      })
      mail.kick()
      return { began, browser: secrets.seal('sign_up', random) }
    },

    async peek(token) {
      return (await findLink(token))?.email ?? null
    },

    async verifyEmail({ token, password, browser, ...session }) {
      const link = (await findLink(token)) ?? refuse('link_invalid')
      const isEnough = password === null && link.password_hash !== null && isSameBrowser(link, browser)
      if (password === null && !isEnough) {
        await store.dropUnprovenPassword(db, link.id)
        refuse('password_required')
      }
      const hash = password === null ? null : await hashUnlessKept(link, password)
      return transact(db, async (tx) => {
        const owned = link.account_id === null ? null : await accounts.lock(tx, link.account_id)
        if (owned !== null && owned.state !== 'active') refuse('link_invalid')
        const row = await store.consumeSignUp(tx, { id: link.id, email: link.email, now: clock.now() })
        if (row === undefined) refuse('link_invalid')
        const owner = await settle(tx, row, { hash, accountEnd: owned?.end_position ?? 0 })
        await events.record(tx, {
          kind: 'email_verified',
          outcome: 'done',
          accountId: owner.accountId,
          network: session.network,
        })
        return begin(tx, session, { ...owner, amr: password === null ? 'email' : 'pwd' })
      })
    },
  }
}
