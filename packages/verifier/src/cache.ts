/**
 * A bounded map in two generations. What is used moves to the young one; when that is full it becomes the old one, and
 * what nobody asked for meanwhile is gone at once. So to push somebody out, one has to bring half a cache of credentials
 * that are all genuine while they do not send a single request; and what they lose then is one cold check.
 */
export type Cache<Value, Key = string> = {
  get(key: Key): Value | undefined
  set(key: Key, value: Value): void
  delete(key: Key): void
  clear(): void
  readonly size: number
}

export function createCache<Value, Key = string>(capacity: number): Cache<Value, Key> {
  const half = Math.max(1, Math.floor(capacity / 2))
  let young = new Map<Key, Value>()
  let old = new Map<Key, Value>()

  function set(key: Key, value: Value): void {
    if (young.size >= half && !young.has(key)) {
      old = young
      young = new Map()
    }
    old.delete(key)
    young.set(key, value)
  }

  return {
    set,
    get(key) {
      const found = young.get(key)
      if (found !== undefined) return found
      const aged = old.get(key)
      if (aged !== undefined) set(key, aged)
      return aged
    },
    delete(key) {
      young.delete(key)
      old.delete(key)
    },
    clear() {
      young = new Map()
      old = new Map()
    },
    get size() {
      return young.size + old.size
    },
  }
}
