import { startRelay } from '../verifier/relay.ts'
import { type Row, rowOf, type Target } from './figures.ts'
import { openHouse } from './house.ts'
import { say } from './report.ts'
import { freshSessions, milliseconds, type Scene, serviceCount, settle } from './scene.ts'
import { startServices } from './services.ts'

/** Seconds. */
const maxStale = 2

type CutOff = { readonly after: number; readonly tooLate: number }

/** Cut off from the server while a session ends there: what each service still believes, and for how long. */
export async function measureCutOffs(count: number): Promise<CutOff[]> {
  const relay = await startRelay()
  const house = await openHouse({ ends: 0, issuer: relay.origin })
  const found: CutOff[] = []
  try {
    const port = Number(new URL(house.origin).port)
    relay.moveTo(port)
    const { client } = house
    const services = await startServices(serviceCount, {
      kind: 'start',
      issuer: relay.origin,
      client,
      maxStale,
    })
    try {
      services.tell({ kind: 'load', perTurn: 1 })
      for (let round = 0; round < count; round++) {
        found.push(...(await cutOffOnce({ house, services }, { relay, port, index: round })))
        say(
          `cut off ${round + 1} of ${count}: believed for ${Math.max(...found.map(({ after }) => after)).toFixed(0)} ms at most`,
        )
      }
    } finally {
      await services.close()
    }
  } finally {
    await relay.close()
    await house.close()
  }
  return found
}

async function cutOffOnce(
  { house, services }: Scene,
  { relay, port, index }: { relay: Awaited<ReturnType<typeof startRelay>>; port: number; index: number },
): Promise<CutOff[]> {
  const [token, cookie] = await freshSessions(house, 2)
  const session = index % 2 === 0 ? token : cookie
  if (session === undefined) throw new Error('no session')
  const { access_token: by } = await house.signIn()
  await services.ask({ kind: 'warm', name: 'warm', shown: [session.shown] })
  await services.ask({ kind: 'watch', name: session.sessionId, shown: session.shown })
  await settle(1100)
  relay.fallSilent()
  relay.cutOff()
  await house.end(session.sessionId, by)
  const acknowledged = process.hrtime.bigint()
  await settle(maxStale * 1000 * 2)
  const rested = await services.rest(session.sessionId)
  relay.moveTo(port)
  // They come back by themselves, within a few seconds.
  await settle(4000)
  return rested.map(({ lastAccepted }) => {
    if (lastAccepted === 0n) throw new Error('it was not accepted before')
    const after = milliseconds(acknowledged, lastAccepted)
    return { after, tooLate: after > maxStale * 1000 ? 1 : 0 }
  })
}

export function cutOffRows(found: readonly CutOff[]): Row[] {
  const question = `services that were cut off when the session ended, maxStale ${maxStale} s`
  const late = found.filter(({ tooLate }) => tooLate > 0).length
  const none: Target = { of: 'median', most: 0, text: '0' }
  const values = found.map(({ tooLate }) => tooLate)
  const after = found.map((one) => one.after)
  return [
    rowOf({
      question,
      candidate: 'accepted after maxStale',
      unit: 'services',
      values,
      counted: late,
      target: none,
    }),
    rowOf({ question, candidate: 'last accepted after the end', unit: 'ms', values: after }),
  ]
}
