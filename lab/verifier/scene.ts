import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after } from 'node:test'
import {
  type Client,
  createVerifier,
  Refusal,
  type Verifier,
  type VerifierOptions,
} from '@counterfoil/verifier'
import { dataFolder, run, type ServerProcess, startServer } from 'counterfoil/house'
import { becomeMember, password, postJson } from '../chaos/visitor.ts'
import { type Relay, startRelay } from './relay.ts'

export const email = 'ada@example.org'
export const api = 'https://api.example'

/** A server with one member and one client, behind a relay that is its public address. */
export type Scene = {
  relay: Relay
  client: Client
  /** The server that runs at the moment. */
  server(): ServerProcess
  /** Another process on the same database, and on another port. */
  startAgain(): Promise<void>
  /** What an operator types, in a process of its own. */
  command(...words: string[]): Promise<void>
  verifier(options?: Partial<VerifierOptions>): Promise<Verifier>
  cookie(): Promise<string>
}

export async function openScene(): Promise<Scene> {
  const data = dataFolder()
  writeFileSync(join(data, 'policy.json'), JSON.stringify({ audiences: [api] }))
  const relay = await startRelay()
  after(() => relay.close())
  const start = async () => {
    const server = await startServer(data, ['--issuer', relay.origin])
    relay.moveTo(Number(new URL(server.origin).port))
    return server
  }
  let server = await start()
  after(() => server.kill())
  await becomeMember(server.origin, email)
  const { out } = await run(['clients', 'add', 'api', '--data', data])
  const [, id = ''] = /client_id\s+(\S+)/.exec(out) ?? []
  const [, secret = ''] = /client_secret\s+(\S+)/.exec(out) ?? []
  assert.notEqual(secret, '', out)
  const client = { id, secret }

  return {
    relay,
    client,
    server: () => server,
    async startAgain() {
      server = await start()
    },
    async command(...words) {
      const { code, err } = await run([...words, '--data', data])
      assert.equal(code, 0, err)
    },
    async verifier(options = {}) {
      const given = { issuer: relay.origin, audience: relay.origin, origin: api, client, log: () => {} }
      const verifier = await createVerifier({ ...given, ...options })
      after(() => verifier.close())
      return verifier
    },
    async cookie() {
      const headers = { origin: relay.origin }
      const body = { email, password, carrier: 'cookie' }
      const answer = await postJson(`${server.origin}/auth/sign-in`, body, headers)
      const [, value = ''] = /^__Host-Http-session=([^;]*)/.exec(answer.headers.get('set-cookie') ?? '') ?? []
      assert.equal(value.length, 64, `${answer.status} ${await answer.text()}`)
      return value
    },
  }
}

/** The code of the refusal that a check ends in, or `accepted`, or `nobody`. */
export async function outcome(check: () => unknown): Promise<string> {
  try {
    return (await check()) === null ? 'nobody' : 'accepted'
  } catch (error) {
    if (error instanceof Refusal) return error.code
    throw error
  }
}

/**
 * Waits for an outcome that has to come by itself, and answers how many milliseconds that took. What counts is when a check
 * began: what this machine does to us between the check and the look at the clock is nobody's fault.
 */
export async function until(wanted: string, check: () => unknown, within: number): Promise<number> {
  const began = performance.now()
  for (;;) {
    const asked = performance.now() - began
    const found = await outcome(check)
    if (found === wanted) return performance.now() - began
    assert.ok(asked < within, `${found} instead of ${wanted} after ${Math.round(asked)} ms`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
