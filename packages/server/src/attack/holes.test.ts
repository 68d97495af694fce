import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemEntropy } from '../node/entropy.ts'
import { systemSigning } from '../node/signing.ts'
import { holedApp, holes } from '../testing/holed-app.ts'
import { drawing, expectedVerdicts } from '../testing/holed-verdicts.ts'
import { handClock } from '../testing/machine.ts'
import { attack, type Report } from './index.ts'

const rounds = 40

async function reportOn(open: ReadonlySet<string>): Promise<Report> {
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
  const wire = holedApp({ open, now: clock.now, fetchKeys })
  const tools = { clock, entropy: systemEntropy, signing: systemSigning }
  return attack({ target: 'https://app.example', described: null, tools, wire, hostKeys })
}

async function expectVerdicts(open: ReadonlySet<string>, about: string): Promise<void> {
  const { checks, found } = await reportOn(open)
  const said = Object.fromEntries(checks.map(({ id, verdict }) => [id, verdict]))
  const evidence = checks.map(({ id, verdict, evidence }) => `${id} ${verdict}: ${evidence}`).join('\n')
  assert.deepEqual(said, expectedVerdicts(open), `${about}\n${evidence}`)
  assert.equal(found, checks.filter(({ verdict }) => verdict === 'accepted').length)
}

test('an application without a hole is refused nothing that is genuine, and every attack is refused', async () => {
  await expectVerdicts(new Set(), 'no hole')
})

test('each hole alone is found, and nothing else is', async () => {
  for (const hole of holes) await expectVerdicts(new Set([hole]), hole)
})

test('holes placed at random are found exactly where they are', async (context) => {
  const seed = Number(process.env.COUNTERFOIL_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))
  context.diagnostic(`seed ${seed}, ${rounds} applications`)
  const draw = drawing(seed)
  for (let round = 0; round < rounds; round += 1) {
    const share = draw()
    const open = new Set(holes.filter(() => draw() < share))
    await expectVerdicts(open, `seed ${seed}, round ${round}: ${[...open].join(' ')}`)
  }
})
