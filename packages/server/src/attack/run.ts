import { type Bounds, bounded } from './bounds.ts'
import { checks as allChecks } from './catalogue.ts'
import { type Check, isUnjudged, type Judged, type Outcome, skipped } from './check.ts'
import type { Overrides } from './description.ts'
import { hostKeys } from './key-host.ts'
import { describeTarget, openScene } from './opening.ts'
import type { Scene, Tools } from './scene.ts'
import { addressOf, parseTarget, type Target } from './target.ts'
import { openWire, type Wire } from './wire.ts'

export type AttackOptions = {
  /** The origin of the deployment. */
  target: string
  /** A description instead of the target's own, as it was parsed from JSON; `null`: the target's own. */
  described: unknown
  /** Members that count before either. */
  overrides?: Overrides
  bounds?: Partial<Bounds>
  tools: Pick<Tools, 'clock' | 'entropy' | 'signing'>
  /** Hears of each check as it ends. */
  onJudged?: (judged: Judged, progress: { done: number; of: number }) => void
  /** How requests travel, for targets in this process; otherwise by sockets. */
  wire?: Wire
  hostKeys?: Tools['hostKeys']
}

export type Report = {
  target: string
  checks: Judged[]
  /** How many attacks were accepted. */
  found: number
  bounds: ReturnType<ReturnType<typeof bounded>['spent']>
}

export const defaultBounds: Bounds = { requests: 1_500, seconds: 180 }

/** For one whole answer. */
const longestPatienceSeconds = 10

/**
 * Attacks a deployment as a stranger and as another site would, with the test account that its owner gave. Rejects
 * with one sentence where that cannot be done: no consent, out of reach, no sign-in. Loopback needs no consent. No
 * redirect is followed, and nothing goes to another host. It does not look at what needs a real browser, at time, or
 * at anything behind routes that the description does not name.
 */
export async function attack(options: AttackOptions): Promise<Report> {
  const { tools, onJudged } = options
  const target = parseTarget(options.target)
  const bounds = { ...defaultBounds, ...options.bounds }
  const patience = Math.min(longestPatienceSeconds, bounds.seconds)
  const wire = options.wire ?? openWire(target, await addressOf(target), patience * 1000)
  const { send, spent } = bounded({ wire, clock: tools.clock, bounds })
  const scene = await open(target, { ...options, send })
  const judged: Judged[] = []
  for (const check of allChecks) {
    const one = judge(scene, check, await outcomeOf(scene, check))
    judged.push(one)
    onJudged?.(one, { done: judged.length, of: allChecks.length })
  }
  if (judged.every(({ verdict }) => verdict === 'skipped')) {
    throw new Error(`Nothing could be judged: ${judged[0]?.evidence ?? 'there is no check'}`)
  }
  const found = judged.filter(({ verdict }) => verdict === 'accepted').length
  return { target: target.url.origin, checks: judged, found, bounds: spent() }
}

async function open(target: Target, options: AttackOptions & { send: Wire }): Promise<Scene> {
  const { described, overrides = {}, send, tools } = options
  try {
    const description = await describeTarget({ target, send, described, overrides })
    const ours = { ...tools, hostKeys: hostFor(target, options) }
    return await openScene({ target, send, description, tools: ours })
  } catch (error) {
    if (!isUnjudged(error)) throw error
    throw new Error(`The target does not answer as it has to: ${error.message}.`, { cause: error })
  }
}

function hostFor(target: Target, { hostKeys: given }: AttackOptions): Tools['hostKeys'] {
  if (given !== undefined) return given
  return target.isLoopback ? hostKeys : null
}

async function outcomeOf(scene: Scene, check: Check): Promise<Outcome> {
  try {
    return await check.run(scene)
  } catch (error) {
    if (isUnjudged(error)) return skipped(error.message)
    throw error
  }
}

function judge(scene: Scene, { id, severity, remedy }: Check, outcome: Outcome): Judged {
  const { verdict, evidence, severity: seen } = outcome
  return { id, verdict, severity: seen ?? severity, evidence: scene.redaction.clean(evidence), remedy }
}
