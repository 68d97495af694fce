import { availableParallelism } from 'node:os'
import { verify } from '@node-rs/argon2'
import { milliseconds, settle } from './scene.ts'
import { cookieOf, emailOf } from './seeds.ts'
import { type Line, openLine } from './socket.ts'

/** What a process that makes load is told to do. `from`, `count`: sessions by their number. */
export type Order = { secret: string; issuer: string } & (
  | { kind: 'read'; ports: number[]; from: number; count: number; requests: number }
  | { kind: 'pace'; ports: number[]; from: number; count: number; perSecond: number; within: number }
  | { kind: 'sign in'; port: number; sessions: number; inFlight: number; within: number; password: string }
  /** `inFlight`: as many at once as a server lets run, where it is not given. */
  | { kind: 'hash'; hash: string; password: string; within: number; inFlight?: number }
  | { kind: 'end'; ports: number[]; from: number; count: number; perSecond: number }
  | { kind: 'watch'; port: number; others: number[]; from: number; count: number }
)

/** `values`: milliseconds of each, where each was timed. `wrong`: answers of another kind than was asked for. */
export type Outcome = { done: number; wrong: number; within: number; values: number[] }

const linesEach = 8

export function carryOut(order: Order): Promise<Outcome> {
  if (order.kind === 'hash') return hash(order)
  if (order.kind === 'sign in') return signIn(order)
  if (order.kind === 'watch') return watch(order)
  return order.kind === 'read' ? read(order) : pace(order)
}

const headersOf = ({ secret, issuer }: Order, index: number) => ({
  cookie: `__Host-Http-session=${cookieOf(secret, index)}`,
  origin: issuer,
})

async function withLines<Result>(
  ports: readonly number[],
  each: number,
  work: (lines: Line[]) => Promise<Result>,
): Promise<Result> {
  const all = ports.flatMap((port) => Array.from({ length: each }, () => openLine(port)))
  const lines = await Promise.all(all)
  try {
    return await work(lines)
  } finally {
    for (const line of lines) line.close()
  }
}

/** As many requests as that, as fast as they are answered: each connection goes through all sessions in turn. */
function read(order: Order & { kind: 'read' }): Promise<Outcome> {
  const { from, count, requests } = order
  const headers =
    count > 20_000 ? null : Array.from({ length: count }, (_, index) => headersOf(order, from + index))
  return withLines(order.ports, linesEach, async (lines) => {
    let next = 0
    let wrong = 0
    const began = process.hrtime.bigint()
    await Promise.all(
      lines.map(async (line) => {
        while (next < requests) {
          const index = next++ % count
          const own = headers?.[index] ?? headersOf(order, from + index)
          const { status } = await line.ask({ method: 'GET', path: '/auth/session', headers: own })
          if (status !== 200) wrong++
        }
      }),
    )
    return { done: next, wrong, within: milliseconds(began, process.hrtime.bigint()), values: [] }
  })
}

/**
 * So many a second, whatever the answers take: what is late is counted from when it was due. `pace` reads for a while;
 * `end` signs each session out once.
 */
function pace(order: Order & { kind: 'pace' | 'end' }): Promise<Outcome> {
  const { perSecond, from, ports } = order
  const isEnd = order.kind === 'end'
  const all = isEnd ? order.count : Math.round((perSecond * order.within) / 1000)
  const asked = isEnd
    ? ({ method: 'POST', path: '/auth/sign-out' } as const)
    : ({ method: 'GET', path: '/auth/session' } as const)
  return withLines(ports, isEnd ? 64 : linesEach, async (lines) => {
    const values: number[] = []
    let wrong = 0
    let next = 0
    const headers = Array.from({ length: order.count }, (_, index) => headersOf(order, from + index))
    const began = performance.now()
    await Promise.all(
      lines.map(async (line) => {
        for (let index = next++; index < all; index = next++) {
          const due = began + (index * 1000) / perSecond
          if (performance.now() < due) await settle(due - performance.now())
          const { status } = await line.ask({ ...asked, headers: headers[index % order.count] ?? {} })
          values.push(performance.now() - due)
          if (status !== (isEnd ? 204 : 200)) wrong++
        }
      }),
    )
    return { done: all, wrong, within: performance.now() - began, values }
  })
}

function signIn(order: Order & { kind: 'sign in' }): Promise<Outcome> {
  const { port, sessions, inFlight, within, password } = order
  return withLines([port], inFlight, async (lines) => {
    let [done, wrong] = [0, 0]
    const began = performance.now()
    await Promise.all(
      lines.map(async (line, place) => {
        for (let round = 0; performance.now() - began < within; round++) {
          const email = emailOf(sessions, place + round * inFlight)
          const body = JSON.stringify({ email, password, carrier: 'token' })
          const headers = { 'content-type': 'application/json' }
          const { status } = await line.ask({ method: 'POST', path: '/auth/sign-in', headers, body })
          if (status === 200) done++
          else wrong++
        }
      }),
    )
    return { done, wrong, within: performance.now() - began, values: [] }
  })
}

/** The hash alone, as many at once as a server lets run. */
async function hash({ hash, password, within, inFlight }: Order & { kind: 'hash' }): Promise<Outcome> {
  let done = 0
  const began = performance.now()
  const one = async () => {
    while (performance.now() - began < within) {
      if (!(await verify(hash, password))) throw new Error('the hash is of another password')
      done++
    }
  }
  const atOnce = inFlight ?? Math.max(1, availableParallelism() - 1)
  await Promise.all(Array.from({ length: atOnce }, one))
  return { done, wrong: 0, within: performance.now() - began, values: [] }
}

/** Ends one session after the other at `port`, and sees how long after the answer the others still accept it. */
function watch(order: Order & { kind: 'watch' }): Promise<Outcome> {
  const { port, others, from, count } = order
  return withLines([port, ...others], 1, async ([line, ...watching]) => {
    const began = performance.now()
    const values: number[] = []
    for (let index = from; index < from + count && line !== undefined; index++) {
      const asked = { method: 'GET', path: '/auth/session', headers: headersOf(order, index) } as const
      for (const one of [line, ...watching])
        if ((await one.ask(asked)).status !== 200) throw new Error('a live session is refused')
      const refused = Promise.all(watching.map((one) => refusedAt(one, asked)))
      // Not in step with anything else that happens regularly.
      await settle(5 + ((index * 7) % 10))
      const { status } = await line.ask({ ...asked, method: 'POST', path: '/auth/sign-out' })
      const acknowledged = performance.now()
      if (status !== 204) throw new Error(`not ended: ${status}`)
      values.push(Math.max(...(await refused)) - acknowledged)
    }
    return { done: count, wrong: 0, within: performance.now() - began, values }
  })
}

async function refusedAt(line: Line, asked: Parameters<Line['ask']>[0]): Promise<number> {
  for (;;) {
    const { status } = await line.ask(asked)
    if (status === 401) return performance.now()
    if (status !== 200) throw new Error(`neither accepted nor refused: ${status}`)
    await settle(1)
  }
}
