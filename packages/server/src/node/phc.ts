/** The parameters of a stored argon2id hash. */
export type PhcParameters = { memoryKib: number; passes: number; lanes: number }

/** Eight lanes: what Django writes. */
const bound = { memoryKib: 262_144, passes: 16, lanes: 8 }

/** Salt of 8 bytes or more, hash of 16 or more; numbers without leading zeros; nothing before or after. */
const form =
  /^\$argon2id\$v=19\$m=([1-9]\d{0,9}),t=([1-9]\d{0,9}),p=([1-9]\d{0,2})\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{22,86}$/

/** `null` for everything that is not the one form we write. */
export function parsePhc(stored: string): PhcParameters | null {
  const found = form.exec(stored)
  if (found === null) return null
  return { memoryKib: Number(found[1]), passes: Number(found[2]), lanes: Number(found[3]) }
}

/** Whether checking such a hash costs no more than we are ever willing to spend. */
export function isAffordable(parameters: PhcParameters | null): boolean {
  if (parameters === null) return false
  const { memoryKib, passes, lanes } = parameters
  return (
    memoryKib >= 8 * lanes && memoryKib <= bound.memoryKib && passes <= bound.passes && lanes <= bound.lanes
  )
}
