import { Refusal } from '@counterfoil/verifier'
import type { Count, Limit, Limits } from '../limits/index.ts'
import type { Policy } from '../policy.ts'

/** An attempt that was counted before its outcome is known, so that many at once cannot outrun the count. */
export type Attempt = {
  /** Whether one more failure would be held back. */
  readonly isLast: boolean
  /** It was a right one, or none at all. */
  giveBack(): Promise<void>
}

export type Attempts = {
  /** Refuses with `too_many_attempts`. A known device has a counter of its own, and only that. */
  signIn(who: { email: string; network: string | null; device: string | null }): Promise<Attempt>
  /** Guesses at the current password by whoever holds a session. */
  withinSession(sessionId: string): Promise<Attempt>
  signUp(network: string | null): Promise<void>
  recovery(network: string | null): Promise<void>
  /**
   * Whether the mailbox may get another mail of this kind now; whoever asked is told the same either way. Each
   * kind has its own count, or a stranger's sign-ups would switch off the owner's recovery.
   */
  mayMail(kind: 'sign_up' | 'reset', email: string): Promise<boolean>
}

export function createAttempts({ limits, policy }: { limits: Limits; policy: Policy }): Attempts {
  const { attemptsPerAccount: burst, attemptIntervalSeconds: intervalSeconds } = policy
  const perAccount: Limit = { name: 'account', burst, intervalSeconds }
  const perDevice: Limit = { name: 'device', burst, intervalSeconds }
  const perSession: Limit = { name: 'session', burst, intervalSeconds }
  const perNetwork = hourly('network', policy.attemptsPerNetwork)
  const signUps = hourly('sign_up', policy.signUpsPerNetwork)
  const recoveries = hourly('recovery', policy.signUpsPerNetwork)
  const mails = {
    sign_up: hourly('mail_sign_up', policy.mailsPerAddress),
    reset: hourly('mail_reset', policy.mailsPerAddress),
  }

  async function take(counts: readonly Count[]): Promise<Attempt> {
    const { remaining } = await limits.takeAll(counts)
    return { isLast: remaining === 0, giveBack: () => limits.giveBack(counts) }
  }

  async function takeForNetwork(limit: Limit, network: string | null): Promise<void> {
    if (network !== null) await limits.take(limit, network)
  }

  return {
    signIn({ email, network, device }) {
      if (device !== null) return take([{ limit: perDevice, subject: device }])
      // The network first: from one that is held back nobody can use up an account's attempts.
      const counts = network === null ? [] : [{ limit: perNetwork, subject: network }]
      return take([...counts, { limit: perAccount, subject: email }])
    },
    withinSession: (sessionId) => take([{ limit: perSession, subject: sessionId }]),
    signUp: (network) => takeForNetwork(signUps, network),
    recovery: (network) => takeForNetwork(recoveries, network),
    async mayMail(kind, email) {
      try {
        // Tagged addresses are addresses of their own, and one mailbox.
        await limits.take(mails[kind], email.replace(/\+[^@]*@/, '@'))
        return true
      } catch (error) {
        if (error instanceof Refusal) return false
        throw error
      }
    },
  }
}

function hourly(name: string, count: number): Limit {
  return { name, burst: count, intervalSeconds: Math.max(1, Math.round(3600 / count)) }
}
