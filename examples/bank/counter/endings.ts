import type { Caller } from 'counterfoil'
import type { Exchange } from './exchange.ts'

/** Remembers which credential was of which session, and when that was ended, to measure how long an end takes. */
export type Endings = {
  learn(print: string, caller: Caller): void
  isKnown(print: string): boolean
  /** To be called when an end has been answered. Whether it was one. */
  note(exchange: Exchange, print: string): boolean
  /** Milliseconds between the answer that told the end and now; `null` where no end of this credential is known. */
  since(print: string): number | null
}

/** More than anybody tries out; the oldest are forgotten first. */
const kept = 2000

/** `session`: or the grant of a job's token; nothing here ends one. */
type Whose = { session: string; account: string }

export function createEndings(): Endings {
  const owners = new Map<string, Whose>()
  const endedAt = new Map<string, number>()

  function endedBy({ method, path }: Exchange, own: Whose | undefined): string[] {
    const [, id] = /^\/auth\/sessions\/([\w-]{22})$/.exec(path) ?? []
    if (method === 'DELETE' && id !== undefined) return [id]
    if (own === undefined) return []
    if (/^(?:\/auth)?\/sign-out$/.test(path)) return [own.session]
    if (!/end-others$|password\/change$|^\/account\/password$/.test(path)) return []
    const all = [...owners.values()].filter(({ account }) => account === own.account)
    return all.map(({ session }) => session).filter((session) => session !== own.session)
  }

  return {
    learn(print, { account, session, grant }) {
      const id = grant ?? session?.id
      if (id === undefined) return
      owners.set(print, { session: id, account: account.id })
      for (const oldest of owners.keys()) if (owners.size > kept) owners.delete(oldest)
    },
    isKnown: (print) => owners.has(print),
    note(exchange, print) {
      if (exchange.status >= 400 || exchange.method === 'GET') return false
      const ended = endedBy(exchange, owners.get(print))
      for (const session of ended) if (!endedAt.has(session)) endedAt.set(session, performance.now())
      for (const oldest of endedAt.keys()) if (endedAt.size > kept) endedAt.delete(oldest)
      // A form names the session in its body, which is not ours to read.
      return ended.length > 0 || /^\/account\/(?:sessions|grants)\//.test(exchange.path)
    },
    since(print) {
      const at = endedAt.get(owners.get(print)?.session ?? '')
      return at === undefined ? null : performance.now() - at
    },
  }
}
