import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { password, postJson } from '../chaos/visitor.ts'
import { issuer, user } from './accounts.ts'
import type { Framework, Way } from './adapter-process.ts'
import type { Application } from './application.ts'
import { type BoundMember, signInBound } from './bound.ts'
import { pin } from './cores.ts'
import type { House } from './house.ts'
import type { VerifierOptions } from './verifier-process.ts'

type Carried = 'cookie' | 'bearer'

export type Ours = Application & {
  by(carrier: Carried, count: number): Promise<string[]>
  /** For a load that shows a new proof with each request. */
  bound(): Promise<(count: number) => string[]>
}

const few = 20

/** An application with the server inside it. */
export async function startOurs(
  framework: Framework,
  way: Way,
  given: { database: string; core?: number | null },
): Promise<Ours> {
  const { database, core = 0 } = given
  const child = fork(join(import.meta.dirname, 'adapter-process.ts'), [framework, way, database], {
    env: { ...process.env, NODE_ENV: 'production' },
  })
  if (core !== null) pin(child.pid, core)
  const port = await portOf(child)
  const origin = `http://127.0.0.1:${port}`
  return {
    ...{ port, pid: child.pid ?? 0, close: () => end(child) },
    credentials: (count) => signInAt(origin, issuer, { carrier: 'cookie', count }),
    by: (carrier, count) => signInAt(origin, issuer, { carrier, count }),
    bound: async () => proofsOf(await signInBound({ origin, issuer, email: user.email }), `${issuer}/me`),
  }
}

/** Where an application that only checks is reached, as its proofs have to say. */
const verifierOrigin = 'https://api.example'

/** An application that checks by the feed of a server elsewhere. */
export async function startVerifier(house: House, core: number | null = 0): Promise<Ours> {
  const { issuer, client } = house
  const options: VerifierOptions = { issuer, client, origin: verifierOrigin }
  const child = fork(join(import.meta.dirname, 'verifier-process.ts'), [JSON.stringify(options)], {
    env: { ...process.env, NODE_ENV: 'production' },
  })
  if (core !== null) pin(child.pid, core)
  const port = await portOf(child)
  const by: Ours['by'] = (carrier, count) => signInAt(house.origin, issuer, { carrier, count })
  return {
    ...{ port, by, pid: child.pid ?? 0, close: () => end(child) },
    credentials: (count) => by('cookie', count),
    bound: async () =>
      proofsOf(
        await signInBound({ origin: house.origin, issuer, email: user.email }),
        `${verifierOrigin}/me`,
      ),
  }
}

async function portOf(child: ChildProcess): Promise<number> {
  const over = new AbortController()
  const { signal } = over
  const failed = once(child, 'exit', { signal }).then(() => {
    throw new Error('the process ended')
  })
  try {
    const [{ port }] = (await Promise.race([once(child, 'message', { signal }), failed])) as [
      { port: number },
    ]
    return port
  } finally {
    over.abort()
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.disconnect()
  await ended
}

/** Sessions of the one who asks everywhere, each as the line of its header. */
export async function signInAt(
  origin: string,
  issuer: string,
  { carrier, count }: { carrier: Carried; count: number },
): Promise<string[]> {
  const found: string[] = []
  while (found.length < count) {
    const some = Array.from({ length: Math.min(few, count - found.length) }, async () => {
      const body = { email: user.email, password, carrier: carrier === 'cookie' ? 'cookie' : 'token' }
      const answer = await postJson(`${origin}/auth/sign-in`, body, { origin: issuer })
      if (answer.status !== 200) throw new Error(`not signed in: ${answer.status} ${await answer.text()}`)
      if (carrier === 'bearer')
        return `Authorization: Bearer ${((await answer.json()) as { access_token: string }).access_token}`
      const [value = ''] = answer.headers.getSetCookie().map((line) => line.split(';', 1)[0])
      return `Cookie: ${value}`
    })
    found.push(...(await Promise.all(some)))
  }
  return found
}

/** What its load shows: one token, and a new proof for each request. */
export function proofsOf({ holder, token }: BoundMember, url: string): (count: number) => string[] {
  return (count) => {
    const about = { method: 'GET', url, token, now: Math.floor(Date.now() / 1000) }
    return Array.from({ length: count }, () => `Authorization: DPoP ${token}\r\nDPoP: ${holder.proof(about)}`)
  }
}
