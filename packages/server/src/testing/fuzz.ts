import type { TestContext } from 'node:test'
import fc from 'fast-check'

/** Runs a property many times and says the seed first, so that any failure can be run again: COUNTERFOIL_TEST_SEED=n. */
export async function fuzz<Input>(
  context: TestContext,
  given: { inputs: fc.Arbitrary<Input>; runs?: number },
  check: (input: Input) => void | Promise<void>,
): Promise<void> {
  const { inputs, runs = 10_000 } = given
  const seed = Number(process.env.COUNTERFOIL_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))
  context.diagnostic(`seed ${seed}, ${runs} cases`)
  await fc.assert(
    fc.asyncProperty(inputs, async (input) => {
      await check(input)
    }),
    { seed, numRuns: runs },
  )
}
