import { randomBytes } from 'node:crypto'
import { encodeBase64url } from '@counterfoil/verifier'
import type { Entropy } from '../machine.ts'

const idBytes = 16

/** The one place that draws randomness. */
export const systemEntropy: Entropy = {
  bytes: (count) => new Uint8Array(randomBytes(count)),
  id() {
    // An id is typed at the command line too, where one that begins with a dash would be read as an option.
    for (;;) {
      const id = encodeBase64url(randomBytes(idBytes))
      if (!id.startsWith('-')) return id
    }
  },
}
