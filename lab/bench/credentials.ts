/** Credentials as a socket brings them: bytes in one buffer, and a string that nobody has seen before for each request. */
export type Wire = { readonly count: number; next(): string }

export function wireOf(credentials: readonly string[]): Wire {
  const bytes = Buffer.from(credentials.join(''), 'latin1')
  const ends: number[] = []
  for (const { length } of credentials) ends.push((ends.at(-1) ?? 0) + length)
  const starts = [0, ...ends]
  const count = credentials.length
  let at = 0
  return {
    count,
    next() {
      const found = bytes.toString('latin1', starts[at], ends[at])
      at = at + 1 === count ? 0 : at + 1
      return found
    },
  }
}
