import { holes } from './holed-app.ts'
import { ways } from './holed-proofs.ts'

/** What the kit must say: a hole is found where it is, and a check that a hole makes meaningless says so. */
export function expectedVerdicts(
  open: ReadonlySet<string>,
  { isBoundAlways = false } = {},
): Record<string, string> {
  const is = (hole: string) => open.has(hole) || (ways[hole] ?? []).some((way) => open.has(`${hole} ${way}`))
  const verdicts = Object.fromEntries(holes.map((id) => [id, is(id) ? 'accepted' : 'refused']))
  const skip = (...ids: string[]) => {
    for (const id of ids) verdicts[id] = 'skipped'
  }
  if (is('cookie-prefix')) skip('cookie-disguised')
  else verdicts['cookie-doubled'] = 'refused'
  if (is('token-weak-secret')) skip('token-alg-confusion')
  if (is('forged-get')) skip('forged-method-override')
  if (is('refresh-not-rotated')) skip('refresh-reuse', 'refresh-theft-unnoticed', 'refresh-race')
  else if (is('refresh-reuse')) skip('refresh-theft-unnoticed')
  if (isBoundAlways) {
    // A nonce is of a minute, whatever else is in the proof; and a bound refresh token may stay the same.
    verdicts['proof-untimely'] = 'refused'
    if (is('refresh-not-rotated')) skip('refresh-not-rotated')
  }
  // Where every password signs in, a name that is known is told from one that is not.
  if (is('password-unchecked')) verdicts['user-enumeration'] = 'accepted'
  return verdicts
}

/** mulberry32: the same numbers for the same seed. */
export function drawing(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
