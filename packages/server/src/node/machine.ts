import type { Machine } from '../machine.ts'
import { systemClock } from './clock.ts'
import { systemCommonPasswords } from './common-passwords.ts'
import { systemCompress } from './compression.ts'
import { systemEntropy } from './entropy.ts'
import { createLog } from './log.ts'
import { loopDelay } from './loop-delay.ts'
import { createPasswordHasher } from './password-hasher.ts'
import { createSecrets } from './secrets.ts'
import { systemSigning } from './signing.ts'
import { createStatements } from './statements.ts'

/** The machine that a server really runs on. */
export function createMachine(given: {
  rootSecret: Uint8Array
  reserveSecret: (() => Promise<Uint8Array>) | null
  hashingQueue: number
}): Machine {
  const { reserveSecret } = given
  return {
    clock: systemClock,
    entropy: systemEntropy,
    secrets: createSecrets(given.rootSecret),
    reserveSecrets: reserveSecret === null ? null : async () => createSecrets(await reserveSecret()),
    hasher: createPasswordHasher({ queue: given.hashingQueue }),
    signing: systemSigning,
    compress: systemCompress,
    commonPasswords: systemCommonPasswords,
    log: createLog({ clock: systemClock }),
    statements: createStatements(),
    loopDelay,
  }
}
