import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemEntropy } from '../node/entropy.ts'
import { systemSigning } from '../node/signing.ts'
import { description, holedApp, holes } from '../testing/holed-app.ts'
import { ways } from '../testing/holed-proofs.ts'
import { drawing, expectedVerdicts } from '../testing/holed-verdicts.ts'
import { handClock } from '../testing/machine.ts'
import { attack, checks, type Report, type Sent, type Wire } from './index.ts'

const rounds = 40

type Kind = { isBoundAlways?: boolean }
type Asking = { described?: object; change?: (sent: Sent) => Sent }

async function reportOn(
  open: ReadonlySet<string>,
  kind: Kind,
  { described, change = (sent) => sent }: Asking = {},
): Promise<Report> {
  const clock = handClock()
  const served = new Map<string, { keys: string; asked: number }>()
  const hostKeys = async (keys: string) => {
    const url = `http://keys.example/${served.size}`
    const entry = { keys, asked: 0 }
    served.set(url, entry)
    return { url, asked: () => entry.asked, close: async () => {} }
  }
  const fetchKeys = async (url: string) => {
    const entry = served.get(url)
    if (entry === undefined) throw new Error('nothing is served there')
    entry.asked += 1
    return entry.keys
  }
  const app = holedApp({ open, now: clock.now, fetchKeys, ...kind })
  const wire: Wire = (sent) => app(change(sent))
  const tools = { clock, entropy: systemEntropy, signing: systemSigning }
  return attack({ target: 'https://app.example', described: described ?? null, tools, wire, hostKeys })
}

async function expectVerdicts(open: ReadonlySet<string>, about: string, kind: Kind = {}): Promise<void> {
  const { checks, found } = await reportOn(open, kind)
  const said = Object.fromEntries(checks.map(({ id, verdict }) => [id, verdict]))
  const evidence = checks.map(({ id, verdict, evidence }) => `${id} ${verdict}: ${evidence}`).join('\n')
  assert.deepEqual(said, expectedVerdicts(open, kind), `${about}\n${evidence}`)
  assert.equal(found, checks.filter(({ verdict }) => verdict === 'accepted').length)
}

test('an application without a hole is refused nothing that is genuine, and every attack is refused', async () => {
  await expectVerdicts(new Set(), 'no hole')
})

test('each hole alone is found, and nothing else is', async () => {
  for (const hole of holes) await expectVerdicts(new Set([hole]), hole)
})

test('a hole is found in whichever way it is open', async () => {
  for (const [hole, named] of Object.entries(ways)) {
    for (const way of named) await expectVerdicts(new Set([`${hole} ${way}`]), `${hole}: ${way}`)
  }
})

test('an application that hands out no token without a proof is judged like any other', async () => {
  const kind = { isBoundAlways: true }
  await expectVerdicts(new Set(), 'no hole', kind)
  await expectVerdicts(new Set(holes), 'every hole', kind)
  for (const hole of ['token-signature-unchecked', 'authorization-doubled', 'replay-token', 'refresh-race'])
    await expectVerdicts(new Set([hole]), hole, kind)
})

const ofProofs = checks.map(({ id }) => id).filter((id) => /^(?:bound|proof)-|-without-key$/.test(id))

const judgedOf = ({ checks }: Report, wanted: readonly string[]) =>
  checks
    .filter(({ id }) => wanted.includes(id))
    .map(({ id, verdict, evidence }) => ({ id, verdict, evidence }))

test('an application that ignores proofs is found by its plain token, and nothing is said of its proofs', async () => {
  const change = ({ headers, ...sent }: Sent) => ({
    ...sent,
    headers: headers.filter(([name]) => name !== 'DPoP'),
  })
  const [first, ...others] = judgedOf(await reportOn(new Set(), {}, { change }), ofProofs)
  assert.deepEqual([first?.id, first?.verdict], ['bound-as-bearer', 'accepted'])
  assert.equal(others.length, 10)
  for (const { id, verdict, evidence } of others) {
    assert.equal(verdict, 'skipped', id)
    assert.match(evidence, /with a proof is not bound to its key; see bound-as-bearer/, id)
  }
})

test('of bound tokens that the description does not tell of nothing is judged, and the flag is named', async () => {
  const { proof: _, ...token } = description.token
  const judged = judgedOf(await reportOn(new Set(), {}, { described: { ...description, token } }), ofProofs)
  assert.equal(judged.length, 11)
  for (const { id, verdict, evidence } of judged) {
    assert.deepEqual([verdict, evidence], ['skipped', 'the description has no token.proof (--proof)'], id)
  }
  await assert.rejects(
    reportOn(new Set(), { isBoundAlways: true }, { described: { ...description, token } }),
    /^Error: The sign-in by token fails: .* It seems to want a proof: token\.proof \(--proof\)\.$/,
  )
})

test('a token that is bound to a key of others is not taken for refused because it is expired or for another service', async () => {
  const part = (content: object) => Buffer.from(JSON.stringify(content)).toString('base64url')
  const foreign = (claims: object) =>
    `${part({ alg: 'ES256' })}.${part({ ...claims, cnf: { jkt: 'theirs' } })}.c2ln`
  const token = {
    ...description.token,
    expired: foreign({ exp: 1 }),
    other_audience: foreign({ aud: 'other' }),
  }
  for (const kind of [{}, { isBoundAlways: true }]) {
    const report = await reportOn(new Set(), kind, { described: { ...description, token } })
    for (const { id, verdict, evidence } of judgedOf(report, ['token-expired', 'token-other-audience'])) {
      assert.equal(verdict, 'skipped', id)
      assert.match(evidence, /bound to a key that is not ours/, id)
    }
  }
})

test('a proof is asked for again once where the target wants a nonce that it never takes', async () => {
  let asked = 0
  const stubborn = (sent: Sent): Sent => {
    const isSignIn = sent.path === '/login' && sent.headers.some(([name]) => name === 'DPoP')
    if (!isSignIn) return sent
    asked += 1
    return {
      ...sent,
      headers: sent.headers.map(([name, value]) => [name, name === 'DPoP' ? 'a.b.c' : value]),
    }
  }
  const judged = judgedOf(await reportOn(new Set(), {}, { change: stubborn }), ofProofs)
  assert.deepEqual([...new Set(judged.map(({ verdict }) => verdict))], ['skipped'])
  // Each check signs in for itself, since no session is left to it; the first does twice.
  assert.ok(asked <= 2 * (judged.length + 1), `${asked} sign-ins`)
})

test('holes placed at random are found exactly where they are', async (context) => {
  const seed = Number(process.env.COUNTERFOIL_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))
  context.diagnostic(`seed ${seed}, ${rounds} applications`)
  const draw = drawing(seed)
  for (let round = 0; round < rounds; round += 1) {
    const share = draw()
    const kind = { isBoundAlways: draw() < 0.3 }
    const placed = holes.filter(() => draw() < share)
    const open = new Set(placed.map((hole) => inSomeWay(hole, draw)))
    await expectVerdicts(open, `seed ${seed}, round ${round}, ${JSON.stringify(kind)}: ${[...open]}`, kind)
  }
})

/** The hole in one of its ways, or in all of them. */
function inSomeWay(hole: string, draw: () => number): string {
  const named = ways[hole] ?? []
  const way = named[Math.floor(draw() * (named.length + 1))]
  return way === undefined ? hole : `${hole} ${way}`
}
