import { attack, type Report } from '../attack/index.ts'
import { systemClock } from '../node/clock.ts'
import { systemEntropy } from '../node/entropy.ts'
import { systemSigning } from '../node/signing.ts'

/** The kit over real sockets; `null`: the target describes itself. */
export function attackTarget(
  target: string,
  described: object | null = null,
  bounds: { requests?: number; seconds?: number } = {},
): Promise<Report> {
  const tools = { clock: systemClock, entropy: systemEntropy, signing: systemSigning }
  return attack({ target, described, bounds, tools })
}
