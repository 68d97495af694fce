/** The server keeps the plan of a statement that has a name. Texts that vary without end are not worth one. */
export type Names = {
  /** `undefined` where enough are kept already. */
  of(text: string): string | undefined
  /** The tables are not as they were: from here on every text is prepared anew, on every connection. */
  renew(): void
}

const keptStatements = 200
/** The statement was prepared for tables as they were (a migration ran meanwhile), or the server forgot it. */
const outdated = new Set(['0A000', '26000'])

export function createNames(prefix: string): Names {
  const names = new Map<string, string>()
  let made = 0

  return {
    of(text) {
      const known = names.get(text)
      if (known !== undefined || names.size >= keptStatements) return known
      made += 1
      const name = `${prefix}_${made}`
      names.set(text, name)
      return name
    },
    renew: () => names.clear(),
  }
}

/** Nothing was done: such a statement is turned away before it runs. */
export function isOutdated(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && typeof error.code === 'string' && outdated.has(error.code)
  )
}
