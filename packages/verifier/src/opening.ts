/** What is there, or how it is opened: Next.js runs every module while it builds, when nothing may be opened yet. */
export type Opening<Opened extends object> = Opened | (() => Promise<Opened>)

/** Of a process, and not of a module: the routes, the pages and `proxy.ts` each have a copy of every module. */
const openedHere = Symbol.for('counterfoil.next')

/** What `opening` opens: at the first call, and never twice in a process under one name. */
export function openedOnce<Opened extends object>(
  opening: Opening<Opened>,
  name: string,
): () => Promise<Opened> {
  if (typeof opening !== 'function') return async () => opening
  const host = globalThis as { [openedHere]?: Map<string, Promise<object>> }
  host[openedHere] ??= new Map()
  const all = host[openedHere] as Map<string, Promise<Opened>>
  return () => {
    const known = all.get(name)
    if (known !== undefined) return known
    const made = opening()
    all.set(name, made)
    made.catch(() => all.delete(name))
    return made
  }
}
