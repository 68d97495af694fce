import { type Cache, createCache } from './cache.ts'

/** What is remembered of a credential, with all of it. */
type Kept = { readonly credential: string }

/**
 * A cache of credentials, which finds them by a small number made of their last characters, all random in a cookie's tag and in a
 * signature. To look a long text up in a map costs more than all else on the way of a request that is known, since the platform
 * keeps a copy of each one in a table of its own. The whole text decides: of two that share a number, which one in ten
 * thousand does among a hundred thousand, the second is kept aside.
 */
export function createCredentialCache<Value extends Kept>(capacity: number): Cache<Value> {
  const numbered = createCache<Value, number>(capacity)
  const aside = createCache<Value>(Math.ceil(capacity / 64))

  return {
    get(credential) {
      const found = numbered.get(numberOf(credential))
      return found === undefined || found.credential === credential ? found : aside.get(credential)
    },
    set(credential, value) {
      const number = numberOf(credential)
      const other = numbered.get(number)
      if (other !== undefined && other.credential !== credential) aside.set(credential, value)
      else {
        numbered.set(number, value)
        // Should the number be somebody else's again one day, this one would be older than what was kept last.
        if (aside.size > 0) aside.delete(credential)
      }
    },
    delete(credential) {
      const number = numberOf(credential)
      if (numbered.get(number)?.credential === credential) numbered.delete(number)
      else aside.delete(credential)
    },
    clear() {
      numbered.clear()
      aside.clear()
    },
    get size() {
      return numbered.size + aside.size
    },
  }
}

const lastCharacters = 12
/** So that the platform needs no room of its own for one. */
const bits = 0x3fff_ffff

/**
 * FNV-1a. Nobody chooses the credentials that he is given, and only genuine ones are kept. Who makes one up that happens to share
 * another's number keeps that one in memory for longer, as if it had been used, and sees nothing of it.
 */
function numberOf(credential: string): number {
  let number = 0x811c_9dc5
  for (let at = Math.max(0, credential.length - lastCharacters); at < credential.length; at++)
    number = Math.imul(number ^ credential.charCodeAt(at), 0x0100_0193)
  return number & bits
}
