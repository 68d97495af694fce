import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { startServer } from 'counterfoil/house'
import { becomeMember, type Pair, refresh, sessionStatus, signIn } from './visitor.ts'

const rounds = 20
const email = 'ada@example.org'
// The port is another one after each start; tokens name the issuer, which stays.
const issuer = ['--issuer', 'http://localhost:3000']

/** What the server has said yes to. Nothing of it may be lost. */
type Acknowledged = { live: Map<string, Pair>; ended: Map<string, Pair>; unknown: Set<string> }

/** Signs in, refreshes and ends sessions until the server is gone, and writes down what was acknowledged. */
async function stream(origin: string, known: Acknowledged, isOver: () => boolean): Promise<void> {
  for (let count = 0; !isOver(); count++) {
    try {
      const pair = await signIn(origin, email)
      known.live.set(pair.session.id, pair)
      if (count % 3 === 0) await renew(origin, known, pair)
      if (count % 2 === 0) await endOne(origin, known, pair)
    } catch (error) {
      if (isOver() || isConnectionLost(error)) return
      throw error
    }
  }
}

async function renew(origin: string, known: Acknowledged, pair: Pair): Promise<void> {
  const answer = await refresh(origin, pair.refresh_token)
  if (answer.status !== 200) return
  const next = (await answer.json()) as Pair
  known.live.set(pair.session.id, { ...pair, refresh_token: next.refresh_token })
}

async function endOne(origin: string, known: Acknowledged, pair: Pair): Promise<void> {
  const { id } = pair.session
  const entry = known.live.get(id) ?? pair
  // From here until the answer nobody can say whether it has happened.
  known.live.delete(id)
  known.unknown.add(id)
  const headers = { authorization: `Bearer ${pair.access_token}` }
  const answer = await fetch(`${origin}/auth/sessions/${id}`, { method: 'DELETE', headers })
  await answer.arrayBuffer()
  if (answer.status === 204) known.ended.set(id, entry)
}

function isConnectionLost(error: unknown): boolean {
  return (
    error instanceof TypeError ||
    (error instanceof Error && /terminated|socket|fetch failed/.test(error.message))
  )
}

test(`a server killed ${rounds} times in a stream of sign-ins and endings has lost nothing that it acknowledged`, async (t) => {
  const data = mkdtempSync(join(tmpdir(), 'counterfoil-kill-'))
  t.after(() => rmSync(data, { recursive: true, force: true }))
  // An attempt that a crash cuts off stays counted; that is not what this is about.
  writeFileSync(
    join(data, 'policy.json'),
    JSON.stringify({ attemptsPerAccount: 100, sessionsPerAccount: 1000 }),
  )
  const known: Acknowledged = { live: new Map(), ended: new Map(), unknown: new Set() }
  let server = await startServer(data, issuer)
  t.after(() => server.kill())
  await becomeMember(server.origin, email)

  for (let round = 0; round < rounds; round++) {
    let isOver = false
    const { origin } = server
    const streams = [1, 2, 3].map(() => stream(origin, known, () => isOver))
    // Somewhere in the middle of things, once there is something to lose: how far they got differs from round to round.
    const before = known.live.size + known.ended.size
    for (let waited = 0; known.live.size + known.ended.size < before + 3 && waited < 1200; waited++)
      await new Promise((resolve) => setTimeout(resolve, 25))
    await new Promise((resolve) => setTimeout(resolve, Math.floor(Math.random() * 100)))
    await server.kill()
    isOver = true
    await Promise.all(streams)
    server = await startServer(data, issuer)
    for (const [id, pair] of known.live) {
      assert.equal(
        await sessionStatus(server.origin, pair.access_token),
        200,
        `session ${id} was lost in round ${round}`,
      )
    }
    for (const [id, pair] of known.ended) {
      assert.equal(
        await sessionStatus(server.origin, pair.access_token),
        401,
        `session ${id} came back in round ${round}`,
      )
    }
    t.diagnostic(`round ${round + 1}: ${known.live.size} live, ${known.ended.size} ended`)
  }

  assert.ok(
    known.live.size > rounds / 4 && known.ended.size > rounds / 2,
    'the streams did too little to prove anything',
  )
  const someone = [...known.live.values()].at(-1)
  assert.ok(someone)
  assert.equal((await refresh(server.origin, someone.refresh_token)).status, 200)
  assert.equal(await server.stop(), 0)
})
