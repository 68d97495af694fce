import { attack, type Report } from '../attack/index.ts'
import type { Watch } from '../machine.ts'
import { systemClock } from '../node/clock.ts'
import { systemEntropy } from '../node/entropy.ts'
import { systemSigning } from '../node/signing.ts'

/** The kit over real sockets; `null`: the target describes itself. `clock`: that of a target which has one of its own. */
export function attackTarget(
  target: string,
  described: object | null = null,
  given: { requests?: number; seconds?: number; clock?: Watch } = {},
): Promise<Report> {
  const { clock = systemClock, ...bounds } = given
  const tools = { clock, entropy: systemEntropy, signing: systemSigning }
  return attack({ target, described, bounds, tools })
}
