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
