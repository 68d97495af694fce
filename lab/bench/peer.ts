import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { password } from '../chaos/visitor.ts'
import { user } from './accounts.ts'
import type { Application } from './application.ts'
import { pin } from './cores.ts'

/** `seconds`: how long what it hands out is good for. `isNew`: whether its tables have to be made. */
export type PeerOptions = {
  user: { id: string; email: string }
  password: string
  variant: string
  url: string
  seconds: number
  isNew: boolean
}
/** `step`: of sessions that the database wrote itself, each one so many after the one before. */
export type PeerTold = { kind: 'credentials'; count: number; step: number | null }
export type PeerHeard =
  | {
      kind: 'listening'
      port: number
      signIn: { path: string; body: object }
      signOut: string | null
      makesCredentials: boolean
    }
  | { kind: 'credentials'; lines: string[] }

export type Peer = Application & {
  readonly signOut: string | null
  signIn(): Promise<string>
  /** Of sessions that the database wrote itself. */
  signed(count: number, step: number): Promise<string[]>
}

/** Starts what `peers/` has under that name, and waits until it listens. */
export async function startPeer(
  name: string,
  given: { variant?: string; url?: string; seconds?: number; isNew?: boolean; core?: number | null },
): Promise<Peer> {
  const { variant = '', url = '', seconds = 300, isNew = true, core = 0 } = given
  const options: PeerOptions = { user, password, variant, url, seconds, isNew }
  const child = fork(join(import.meta.dirname, 'peer-process.ts'), [name, JSON.stringify(options)], {
    env: { ...process.env, NODE_ENV: 'production' },
  })
  if (core !== null) pin(child.pid, core)
  const { port, signIn, signOut, makesCredentials } = await hear(child, 'listening')
  const origin = `http://127.0.0.1:${port}`
  const signedIn = () => credentialAt(`${origin}${signIn.path}`, signIn.body)
  const ask = async (count: number, step: number | null) => {
    child.send({ kind: 'credentials', count, step } satisfies PeerTold)
    return (await hear(child, 'credentials')).lines
  }
  return {
    ...{ port, signOut, pid: child.pid ?? 0, signIn: signedIn, signed: ask },
    async credentials(count) {
      if (!makesCredentials) return Promise.all(Array.from({ length: count }, signedIn))
      return ask(count, null)
    },
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.disconnect()
      await ended
    },
  }
}

async function hear<Kind extends PeerHeard['kind']>(child: ChildProcess, kind: Kind) {
  const over = new AbortController()
  const { signal } = over
  try {
    for (;;) {
      const failed = once(child, 'exit', { signal }).then(([code]) => {
        throw new Error(`the process ended with ${code}`)
      })
      const [heard] = (await Promise.race([once(child, 'message', { signal }), failed])) as [PeerHeard]
      if (heard.kind === kind) return heard as Extract<PeerHeard, { kind: Kind }>
    }
  } finally {
    over.abort()
  }
}

/** Whatever an answer hands out, as the header that brings it back. */
async function credentialAt(url: string, body: object): Promise<string> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: 'http://localhost:3000' },
    body: JSON.stringify(body),
  })
  const cookies = answer.headers.getSetCookie().map((line) => line.split(';', 1)[0])
  const text = await answer.text()
  if (!answer.ok) throw new Error(`not signed in: ${answer.status} ${text}`)
  if (cookies.length > 0) return `Cookie: ${cookies.join('; ')}`
  return `Authorization: Bearer ${(JSON.parse(text) as { token: string }).token}`
}
