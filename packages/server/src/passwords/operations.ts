import { type DeviceOwner, rememberDevice } from '../accounts/index.ts'
import type { Limits } from '../limits/index.ts'
import { createAttempts } from './attempts.ts'
import { createImport, type Importing, type ImportRules } from './import-operations.ts'
import type { Needs } from './needs.ts'
import { checkNewPassword } from './password.ts'
import { createRecovery, type Recovery } from './recovery-operations.ts'
import { createSignIn, type SignIn } from './sign-in-operations.ts'
import { createSignUp, type SignUp } from './sign-up-operations.ts'
import * as store from './store.ts'
import { createTurns } from './turns.ts'

/** In the queue for hashing at once, and in the line before it. */
const turnsOfAnAccount = { atOnce: 2, longest: 20 }

export type Passwords = SignUp &
  Omit<Recovery, 'peek'> &
  SignIn & {
    peekReset: Recovery['peek']
    /** Takes in accounts of another system, in one transaction of the caller's. */
    importing(rules: ImportRules): Importing
    /** What a browser keeps after a success, so that guesses from elsewhere cannot lock it out. */
    deviceCookieFor(owner: DeviceOwner): string
    readonly minimum: number
    readonly linkSeconds: number
    prune(): Promise<void>
  }

type Given = Omit<Needs, 'attempts' | 'turns' | 'checkNew'> & {
  limits: Limits
  commonPasswords: () => ReadonlySet<string>
}

export function createPasswords(given: Given): Passwords {
  const { db, clock, policy, secrets, entropy, limits, commonPasswords } = given
  const minimum = policy.passwordMinimum
  const needs = {
    ...given,
    attempts: createAttempts({ limits, policy }),
    turns: createTurns(turnsOfAnAccount),
    checkNew: (password: string, email: string) =>
      checkNewPassword(password, { minimum, email, common: commonPasswords() }),
  }
  const { peek: peekReset, ...recovery } = createRecovery(needs)
  return {
    ...createSignUp(needs),
    ...createSignIn(needs),
    ...recovery,
    peekReset,
    importing: createImport(needs),
    deviceCookieFor: (owner) => rememberDevice({ secrets, entropy }, owner),
    minimum,
    linkSeconds: policy.mailLinkSeconds,
    prune: () => store.prune(db, clock.now()),
  }
}
