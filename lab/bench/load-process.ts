// Load, made in a process of its own: whoever measures must not be the one who is late.
import { carryOut, type Order, type Outcome } from './load.ts'

export type Reply = { id: number } & ({ outcome: Outcome } | { error: string })

process.on('message', async ({ id, order }: { id: number; order: Order }) => {
  const reply = await carryOut(order).then(
    (outcome) => ({ id, outcome }),
    (error: unknown) => ({ id, error: String(error) }),
  )
  process.send?.(reply satisfies Reply)
})
process.on('disconnect', () => process.exit(0))
