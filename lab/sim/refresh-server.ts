import {
  createSecrets,
  judgeRefresh,
  type RefreshState,
  type RotationRule,
  readRefreshToken,
  successorSecret,
  writeRefreshToken,
} from 'counterfoil/house'
import type { Chance } from './chance.ts'
import { after, type Timeline } from './timeline.ts'

const secrets = createSecrets(new Uint8Array(32).fill(9))

/** How a server turns one refresh token into the next; a mutant changes one of these. */
export type Rotation = {
  judge: typeof judgeRefresh
  /** Whether the write compares what it replaces. */
  compares: boolean
  /** Whether a repeat computes the successor that was handed out, or makes another one. */
  repeatsSame: boolean
}

export const productionRotation: Rotation = { judge: judgeRefresh, compares: true, repeatsSame: true }

export const rotationMutants: Readonly<Record<string, Rotation>> = {
  'refresh-without-cas': { ...productionRotation, compares: false },
  'random-successor': { ...productionRotation, repeatsSame: false },
  'grace-without-budget': {
    ...productionRotation,
    judge: (state, presented, at) =>
      judgeRefresh(state, presented, { ...at, repeats: Number.POSITIVE_INFINITY }),
  },
}

export const rule: RotationRule = { repeatSeconds: 30, repeats: 5 }

/** The row of one session, on the one database of two nodes, and all that was ever handed out for it. */
export type Family = {
  readonly line: Timeline
  readonly chance: Chance
  readonly rotation: Rotation
  readonly sessionId: string
  row: RefreshState & { ended: string | null }
  /** By generation: the tokens that were handed out. */
  readonly given: Map<number, Set<string>>
  /** Share of the steps after which a node dies. */
  crashes: number
  refreshes: number
  wrongs: string[]
}

export function createFamily(
  given: Pick<Family, 'line' | 'chance' | 'rotation' | 'crashes'> & { id: number },
): {
  family: Family
  first: string
} {
  const sessionId = secrets.hash(`session ${given.id}`).slice(0, 21).concat('A')
  const secret = secrets.derive('successor', `first ${given.id}`)
  const row = {
    ...{ generation: 1, current: secrets.hash(secret), previous: null, salt: null, rotatedAt: 0 },
    ...{ repeats: 0, repeatedGeneration: 0, ended: null },
  }
  const first = writeRefreshToken(secrets, { sessionId, generation: 1, secret })
  const { line, chance, rotation, crashes } = given
  const family: Family = {
    line,
    chance,
    rotation,
    crashes,
    sessionId,
    row,
    given: new Map(),
    refreshes: 0,
    wrongs: [],
  }
  return { family, first }
}

export const generationOf = (text: string) => readRefreshToken(secrets, text)?.generation ?? 0

type Answer = (next: string | null) => void
type Request = { text: string; node: number; answer: Answer }

/** One request to one of two nodes, whose clocks are a little apart. Where the node dies, there is no answer. */
export function refresh(family: Family, request: Request) {
  const token = readRefreshToken(secrets, request.text)
  family.refreshes++
  if (token === null || token.sessionId !== family.sessionId) return request.answer(null)
  attempt(family, { ...request, ...token, hash: secrets.hash(token.secret) })
}

type Presented = Request & { generation: number; secret: Uint8Array; hash: string }

const secondsAt = (family: Family, node: number) => Math.floor((family.line.now + node * 700) / 1000)

/** Between two steps of a node: some time, or its death. */
function step(family: Family, work: () => void): void {
  const { chance, line, crashes, row } = family
  // Five answers in a row that nobody hears are a thief, as far as anybody can tell.
  if (crashes > 0 && row.repeats === 0 && chance.is(crashes)) return
  after(line, chance.is(0.9) ? chance.between(0.2, 5) : chance.between(0, 300), work)
}

function attempt(family: Family, presented: Presented): void {
  step(family, () => {
    const state = { ...family.row }
    if (state.ended !== null) return presented.answer(null)
    const now = secondsAt(family, presented.node)
    const verdict = family.rotation.judge(state, presented, { ...rule, now })
    step(family, () => {
      if (verdict.kind === 'refuse') return presented.answer(null)
      if (verdict.kind === 'end') {
        family.row.ended ??= verdict.reason
        return presented.answer(null)
      }
      const next = (verdict.kind === 'rotate' ? rotate : repeat)(family, presented, {
        state,
        repeats: verdict.repeats,
      })
      if (next === null) return attempt(family, presented)
      step(family, () => handOut(family, presented, next))
    })
  })
}

type Judged = { state: RefreshState; repeats: number }

function rotate(
  family: Family,
  { generation, secret, hash, node }: Presented,
  { repeats }: Judged,
): Uint8Array | null {
  const { row, rotation, chance, sessionId } = family
  const isStill = row.ended === null && row.generation === generation && row.current === hash
  if (rotation.compares && !isStill) return null
  if (row.ended !== null) family.wrongs.push('refreshed after the end of its session')
  const salt = String(chance.next())
  const next = successorSecret(secrets, { sessionId, generation: generation + 1, salt, secret })
  family.row = {
    ...row,
    ...{ generation: generation + 1, previous: hash, current: secrets.hash(next), salt, repeats },
    rotatedAt: secondsAt(family, node),
  }
  return next
}

function repeat(family: Family, { secret }: Presented, { state, repeats }: Judged): Uint8Array | null {
  const { row, rotation, chance, sessionId } = family
  const { generation } = state
  const isStill = row.ended === null && row.generation === generation && row.repeats === repeats - 1
  if (rotation.compares && !isStill) return null
  family.row = { ...row, repeats, repeatedGeneration: generation }
  const salt = rotation.repeatsSame ? (state.salt ?? '') : String(chance.next())
  return successorSecret(secrets, { sessionId, generation, salt, secret })
}

function handOut(family: Family, { generation, answer }: Presented, secret: Uint8Array): void {
  const next = generation + 1
  const text = writeRefreshToken(secrets, { sessionId: family.sessionId, generation: next, secret })
  const tokens = family.given.get(next) ?? new Set()
  family.given.set(next, tokens.add(text))
  if (tokens.size > 1) family.wrongs.push('two live leaves')
  answer(text)
}
