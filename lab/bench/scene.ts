import type { House } from './house.ts'
import type { Shown } from './service-process.ts'
import type { Services } from './services.ts'

export const serviceCount = 8

export type Scene = { readonly house: House; readonly services: Services }

export type Session = { readonly sessionId: string; readonly shown: Shown }

export const settle = (milliseconds: number) =>
  new Promise<void>((resolve) => setTimeout(resolve, milliseconds))

/** Between two looks at the clock that all processes of a machine share. */
export const milliseconds = (from: bigint, to: bigint) => Number(to - from) / 1e6

/** As many of one carrier as of the other. */
export async function freshSessions(house: House, count: number): Promise<Session[]> {
  const found: Session[] = []
  while (found.length < count) {
    const [pair, cookie] = await Promise.all([house.signIn(), house.signInWithCookie()])
    found.push({ sessionId: pair.session.id, shown: { carrier: 'token', value: pair.access_token } })
    found.push({ sessionId: cookie.sessionId, shown: { carrier: 'cookie', value: cookie.value } })
  }
  return found
}

const refusedWithin = 5000

/** In milliseconds from the acknowledgement: when each of the services refused, and the last of them. */
export type Ended = {
  readonly carrier: Shown['carrier']
  readonly each: readonly number[]
  readonly last: number
  /** When any of them accepted it for the last time. */
  readonly lastAccepted: number
  readonly fromAsking: number
}

/** Ends something that everybody has accepted until then, and waits until everybody has refused it. */
export async function endOne(
  { services }: Pick<Scene, 'services'>,
  given: { name: string; shown: Shown; end: () => Promise<void>; index: number },
): Promise<Ended> {
  const { name, shown, end, index } = given
  await services.ask({ kind: 'watch', name, shown })
  // Not in step with anybody's turns; each service has accepted it several times by then.
  await settle(10 + ((index * 7) % 10))
  const refused = services.gather(name, refusedWithin)
  const asked = process.hrtime.bigint()
  await end()
  const acknowledged = process.hrtime.bigint()
  const found = await refused
  const rested = await services.rest(name)
  if (found.length < services.count)
    throw new Error(`${services.count - found.length} services never refused`)
  if (found.some(({ lastAccepted }) => lastAccepted === 0n)) throw new Error('it was not accepted before')
  if (rested.some(({ acceptedAgain }) => acceptedAgain > 0)) throw new Error('accepted again after a refusal')
  const each = found.map(({ at }) => milliseconds(acknowledged, at))
  const last = Math.max(...each)
  const lastAccepted = Math.max(...found.map((one) => milliseconds(acknowledged, one.lastAccepted)))
  return {
    carrier: shown.carrier,
    each,
    last,
    lastAccepted,
    fromAsking: milliseconds(asked, acknowledged) + last,
  }
}
