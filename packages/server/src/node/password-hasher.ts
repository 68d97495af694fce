import { availableParallelism } from 'node:os'
import { hash, type Options, verify } from '@node-rs/argon2'
import { createGate } from '../gate.ts'
import type { PasswordHasher } from '../machine.ts'
import { refusal } from '../refusals.ts'
import { systemEntropy } from './entropy.ts'
import { createOldHashes } from './old-hashes.ts'
import { parsePhc } from './phc.ts'
import { encodeBytes, readStoredHash } from './stored-hash.ts'

/** OWASP's minimum for argon2id; memory in KiB. */
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const satisfies Options

/**
 * argon2id (m=19456, t=2, p=1) in the thread pool, one fewer at a time than there are cores: more at once
 * only makes each one slower and starves the rest of the server. Up to `queue` more wait in order; whoever
 * comes then is refused with `busy`. Passwords are taken as they are: normalise and bound them first. What was
 * imported from another system (stored-hash.ts) is verified too, and always outdated.
 */
export function createPasswordHasher(given: { queue: number; retryAfterSeconds?: number }): PasswordHasher {
  const { queue, retryAfterSeconds = 2 } = given
  const gate = createGate({
    atOnce: Math.max(1, availableParallelism() - 1),
    queue,
    full: () => refusal('busy', { retryAfterSeconds }),
  })
  const make = (password: string) => hash(password, { ...cost, salt: systemEntropy.bytes(16) })
  const verifyOld = createOldHashes()
  const nobody = hashOfNobody()

  return {
    nobody,
    load: gate.load,
    hash: (password) => gate(() => make(password)),
    verify: (stored, password) =>
      gate(async () => {
        // A row that someone changed must not make us spend gigabytes, nor answer faster than a real one.
        const known = readStoredHash(stored)
        if (known !== null && known.kind !== 'argon2id') return verifyOld(known, password)
        const matches = await verify(known === null ? nobody : stored, password)
        return known !== null && matches
      }),
    isOutdated(stored) {
      const parameters = parsePhc(stored)
      if (parameters === null) return true
      const { memoryKib, passes, lanes } = parameters
      return memoryKib !== cost.memoryCost || passes !== cost.timeCost || lanes !== cost.parallelism
    },
  }
}

/** Checking it costs what any check does. No password is known to lead to it, and making it so spares a start one hashing. */
function hashOfNobody(): string {
  const { memoryCost, timeCost, parallelism } = cost
  const [salt, digest] = [16, 32].map((count) => encodeBytes(systemEntropy.bytes(count)))
  return `$argon2id$v=19$m=${memoryCost},t=${timeCost},p=${parallelism}$${salt}$${digest}`
}
