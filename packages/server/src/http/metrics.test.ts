import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Refusal } from '@counterfoil/verifier'
import { onEachEngine } from '../testing/engines.ts'
import { feedClient } from '../testing/feed-client.ts'
import { openHouse, type TestHouse } from '../testing/house.ts'
import { createMetrics } from './metrics.ts'
import { metricsText } from './metrics-text.ts'

const documented = new Map(
  [
    ...readFileSync(new URL('../../../../docs/metrics.md', import.meta.url), 'utf8').matchAll(rowPattern()),
  ].map(([, name = '', kind = '', labels = '']) => [
    name,
    { kind, labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label) },
  ]),
)

function rowPattern(): RegExp {
  return /^\| `(counterfoil_\w+)` \| (\w+) \|([^|]*)\|/gm
}

async function scrape({ program }: TestHouse) {
  const answer = await program().get('/metrics')
  assert.equal(answer.status, 200)
  const text = await answer.text()
  const kinds = new Map([...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name, kind]) => [name, kind]))
  const samples = new Map<string, number>()
  for (const [, key = '', value] of text.matchAll(/^(\w+(?:\{.*\})?) (\S+)$/gm))
    samples.set(key, Number(value))
  return { kinds, samples, value: (key: string) => samples.get(key) ?? 0 }
}

onEachEngine('/metrics', (open) => {
  test('names what its document names, of the same kind and with the same labels, and nothing else', async () => {
    const house = await openHouse(open)
    const { email } = await house.member()
    await house.tokens(email)
    await house.house.feed.register({ id: 'a'.repeat(20), name: 'shop', maxStale: 20, applied: 0 })
    await house.program().get('/auth/session')
    let { kinds, samples } = await scrape(house)
    // How late a process is shows only after it was looked at for a while.
    while (!samples.has('counterfoil_event_loop_delay_seconds{quantile="1"}')) {
      await new Promise((resolve) => setImmediate(resolve))
      ;({ kinds, samples } = await scrape(house))
    }
    assert.deepEqual([...kinds].sort(), [...documented].map(([name, { kind }]) => [name, kind]).sort())
    const shown = new Map<string, string[]>()
    for (const key of samples.keys()) {
      const [name = '', labels = ''] = key.split('{')
      shown.set(
        name,
        [...labels.matchAll(/(\w+)="/g)].map(([, label]) => label ?? ''),
      )
    }
    for (const [name, { labels }] of documented) assert.deepEqual(shown.get(name), labels, name)
  })

  test('tells that a warm request asks the database nothing, and for what it was asked', async () => {
    const house = await openHouse(open)
    const { browser } = await house.member()
    await browser.get('/auth/session')
    await house.house.chores.touches()
    const before = await scrape(house)
    for (let count = 0; count < 5; count++) await browser.get('/auth/session')
    await house.machine.statements.during('feed', house.house.chores.tick)
    const after = await scrape(house)
    const grown = (key: string) => after.value(key) - before.value(key)
    assert.equal(grown('counterfoil_db_statements_total{cause="request"}'), 0)
    assert.equal(grown('counterfoil_cache_lookups_total{carried="cookies",result="hit"}'), 5)
    assert.equal(grown('counterfoil_cache_lookups_total{carried="cookies",result="miss"}'), 0)
    assert.ok(grown('counterfoil_db_statements_total{cause="feed"}') > 0)
    assert.ok(grown('counterfoil_db_statements_total{cause="scrape"}') > 0)
    assert.equal(after.value('counterfoil_cache_entries{carried="cookies"}'), 1)
    assert.equal(after.value('counterfoil_feed_age_seconds'), 0)
  })

  test('tells that the server itself is fresh, on a clock that never stands still', async () => {
    const house = await openHouse(open)
    const { clock } = house.machine
    const still = clock.instant
    let passed = 0
    clock.instant = () => ({ mono: still().mono + ++passed, wall: still().wall + passed })
    clock.advance(30)
    for (let count = 0; count < 2; count++) await house.house.chores.tick()
    const { value } = await scrape(house)
    assert.ok(value('counterfoil_feed_age_seconds') < 1, String(value('counterfoil_feed_age_seconds')))
  })

  test('counts sign-ins by their outcome', async () => {
    const house = await openHouse(open)
    const { email } = await house.member()
    await house.tokens(email)
    const wrong = { email, password: 'not the one that it is', carrier: 'token' }
    assert.equal((await house.program().post('/auth/sign-in', wrong)).status, 401)
    const { value } = await scrape(house)
    assert.equal(value('counterfoil_sign_ins_total{outcome="done"}'), 1)
    assert.equal(value('counterfoil_sign_ins_total{outcome="sign_in_failed"}'), 1)
  })

  test('names at most a hundred verifiers, those that are furthest behind, and counts all', async () => {
    const house = await openHouse(open)
    for (let count = 0; count < 103; count++)
      await house.house.feed.register({
        id: `verifier-number-${String(count).padStart(4, '0')}`,
        name: 'shop',
        maxStale: 20,
        applied: count,
      })
    const { samples, value } = await scrape(house)
    const named = [...samples.keys()].filter((key) => /listener_position\{kind="verifier"/.test(key))
    assert.equal(named.length, 100)
    assert.ok(named.every((key) => !/-010[0-2]"/.test(key)))
    assert.equal(value('counterfoil_feed_listeners{kind="verifier"}'), 103)
    assert.equal(value('counterfoil_feed_listeners{kind="server"}'), 1)
    house.machine.clock.advance(3600)
    assert.equal((await scrape(house)).value('counterfoil_feed_listeners{kind="verifier"}'), 0)
  })

  test('tells how old what a quiet verifier knows may be, by the heartbeats that leave for it, which ask nothing of it', async () => {
    const at = await openHouse(open)
    const client = await feedClient(at)
    const listener = await client.listen({ maxStale: 4 })
    const ageOf = async (id: string) => {
      const { samples } = await scrape(at)
      const [name] = [...samples.keys()].filter((key) => key.includes('listener_age') && key.includes(id))
      return samples.get(name ?? '')
    }
    const server = at.house.feed.hub.instance
    for (let second = 0; second < 30; second++) {
      at.machine.clock.advance(1)
      await at.house.chores.tick()
    }
    assert.deepEqual([await ageOf(listener.verifier), await ageOf(server)], [0, 0])
    await listener.leave()
    for (let second = 0; second < 5; second++) {
      at.machine.clock.advance(1)
      await at.house.chores.tick()
    }
    assert.deepEqual([await ageOf(listener.verifier), await ageOf(server)], [5, 0])
  })

  test('goes on while the database does not answer, without what only the database knows', async () => {
    const house = await openHouse(open)
    await house.db.schema.dropTable('feed_verifier').execute()
    const { kinds, samples } = await scrape(house)
    assert.equal(kinds.size, documented.size)
    assert.ok(samples.has('counterfoil_feed_position'))
    assert.equal(samples.has('counterfoil_feed_listeners{kind="server"}'), false)
  })

  test('a server that is about to stop says that it is not ready, and answers all else', async () => {
    const { house, program, member } = await openHouse(open)
    const { browser } = await member()
    assert.equal((await program().get('/readyz')).status, 200)
    house.retire()
    assert.equal((await program().get('/readyz')).status, 503)
    assert.equal((await program().get('/healthz')).status, 200)
    assert.equal((await browser.get('/auth/session')).status, 200)
  })
})

test('a label can hold anything, and no name that somebody chose begins a line of its own', () => {
  const labels = { name: 'a "b" \\ c\nd\r\ne' }
  const text = metricsText([{ name: 'x', kind: 'gauge', help: 'X.', samples: [{ labels, value: Infinity }] }])
  assert.equal(text, '# HELP x X.\n# TYPE x gauge\nx{name="a \\"b\\" \\\\ c\\nd\\ne"} +Inf\n')
})

test('a sign-in that breaks is counted as broken, and goes on being thrown', async () => {
  const metrics = createMetrics()
  const broken = metrics.countingSignIns(async () => Promise.reject(new Error('the disk is full')))
  const refused = metrics.countingSignIns(async () =>
    Promise.reject(new Refusal({ code: 'busy', status: 503, message: 'Busy.' })),
  )
  await assert.rejects(broken({}), /disk is full/)
  await assert.rejects(refused({}), Refusal)
  const text = metricsText(metrics.families())
  assert.match(text, /outcome="broken"\} 1\n.*outcome="busy"\} 1\n/)
})
