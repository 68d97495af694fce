import type { TestContext } from 'node:test'
import fc from 'fast-check'

const runs = 10_000

/** Runs a property 10,000 times and says the seed first, so that any failure can be run again: COUNTERFOIL_SEED=n. */
export async function fuzz<Input>(
  context: TestContext,
  inputs: fc.Arbitrary<Input>,
  check: (input: Input) => void | Promise<void>,
): Promise<void> {
  const seed = Number(process.env.COUNTERFOIL_SEED ?? Math.floor(Math.random() * 2 ** 31))
  context.diagnostic(`seed ${seed}, ${runs} cases`)
  await fc.assert(
    fc.asyncProperty(inputs, async (input) => {
      await check(input)
    }),
    { seed, numRuns: runs },
  )
}
