/** Chance from a seed: the same seed draws the same numbers on every machine. */
export type Chance = {
  /** At least 0, below 1. */
  next(): number
  below(count: number): number
  between(low: number, high: number): number
  is(probability: number): boolean
  pick<Value>(list: readonly Value[]): Value
}

/** `sfc32` by Chris Doty-Humphrey, which passes PractRand; warmed up so that neighbouring seeds part at once. */
export function createChance(seed: number): Chance {
  let a = 0x9e3779b9
  let b = seed | 0
  let c = Math.floor(seed / 0x100000000) | 0
  let counter = 1
  function draw(): number {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    return sum >>> 0
  }
  for (let round = 0; round < 15; round++) draw()
  const next = () => draw() / 0x100000000
  const below = (count: number) => Math.floor(next() * count)
  return {
    next,
    below,
    between: (low, high) => low + next() * (high - low),
    is: (probability) => next() < probability,
    pick(list) {
      const value = list[below(list.length)]
      if (value === undefined) throw new Error('Nothing to pick from')
      return value
    },
  }
}
