/**
 * The token with one character near its end replaced, which always makes another one. Writing fixed characters there
 * would now and then write the ones that it has.
 */
export function altered(token: string): string {
  const at = token.length - 3
  return token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)
}
