import type { Machine, PasswordHasher, Secrets } from '../machine.ts'
import { systemCommonPasswords } from '../node/common-passwords.ts'
import { systemCompress } from '../node/compression.ts'
import { systemEntropy } from '../node/entropy.ts'
import { createLog } from '../node/log.ts'
import { createSecrets } from '../node/secrets.ts'
import { systemSigning } from '../node/signing.ts'
import { createStatements } from '../node/statements.ts'
import type { HandClock } from './hand-clock.ts'

/**
 * The machine that a server runs on, but for three things: time is set by hand, a password costs nothing to hash, and of
 * the log only what broke is written.
 */
export function createQuickMachine(clock: HandClock): Machine {
  const secrets = createSecrets(systemEntropy.bytes(32))
  const write = (line: string) => {
    if (JSON.parse(line).level === 'error') process.stderr.write(line)
  }
  return {
    clock,
    entropy: systemEntropy,
    secrets,
    reserveSecrets: async () => secrets,
    hasher: quickHasher(secrets),
    signing: systemSigning,
    compress: systemCompress,
    commonPasswords: systemCommonPasswords,
    log: createLog({ clock, write }),
    statements: createStatements(),
    loopDelay: () => null,
  }
}

/** One SHA-256, for a database that dies with the test. No server reads what it wrote. */
function quickHasher(secrets: Secrets): PasswordHasher {
  const made = (password: string) => `quick$${secrets.hash(password)}`
  return {
    nobody: 'quick$',
    hash: async (password) => made(password),
    verify: async (stored, password) => secrets.equal(stored, made(password)),
    isOutdated: () => false,
    load: () => ({ running: 0, waiting: 0 }),
  }
}
