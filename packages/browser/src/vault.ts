import { noStorage } from './machine.ts'
import { refuse } from './refusal.ts'

/** What stays on the device: a key that cannot leave it, and a refresh token that is worth nothing without the key. */
export type Held = {
  keys: CryptoKeyPair
  refreshToken: string
  /** The access token that the last refresh gave, by a name of ours: tabs see whether theirs is the newest. */
  mark: string
}

export type Vault = {
  read(): Promise<Held | null>
  write(held: Held): Promise<void>
  clear(): Promise<void>
}

const table = 'held'

/** IndexedDB, since it alone keeps a key without its bytes. Opened for each use: an open one is in others' way. */
export function createVault(databases: () => IDBFactory, name: string): Vault {
  function use<Found>(
    mode: IDBTransactionMode,
    act: (store: IDBObjectStore) => IDBRequest<Found>,
  ): Promise<Found> {
    return new Promise<Found>((resolve, reject) => {
      const opening = databases().open('counterfoil', 1)
      opening.onupgradeneeded = () => opening.result.createObjectStore(table)
      opening.onerror = () => reject(opening.error)
      opening.onsuccess = () => {
        const database = opening.result
        const transaction = database.transaction(table, mode)
        const request = act(transaction.objectStore(table))
        transaction.oncomplete = () => {
          database.close()
          resolve(request.result)
        }
        transaction.onabort = () => {
          database.close()
          reject(transaction.error)
        }
      }
    }).catch(() => refuse('storage_unavailable', noStorage))
  }

  return {
    async read() {
      const held: Held | undefined = await use('readonly', (store) => store.get(name))
      // Some browsers gave a private window back what they could not keep.
      return held?.keys?.privateKey === undefined ? null : held
    },
    write: (held) => use('readwrite', (store) => store.put(held, name)).then(() => undefined),
    clear: () => use('readwrite', (store) => store.delete(name)),
  }
}
