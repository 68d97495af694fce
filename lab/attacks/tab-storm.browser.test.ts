import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { goodPassword, onSqlite } from 'counterfoil/house'
import type { BrowserContext, Page, Route } from 'playwright-core'
import { type ClientScene, openClientScene } from '../client-scene.ts'
import { type Chance, createChance } from '../sim/chance.ts'

const email = 'ada@example.org'
// All 200 take a minute and a half beside other work: TAB_ROUNDS=200 node --test lab/attacks/tab-storm.browser.test.ts
const rounds = Number(process.env.TAB_ROUNDS ?? 60)

declare global {
  interface Window {
    /** How far this page's device clock is ahead, in milliseconds. */
    ahead: number
  }
}

type Fate = 'requests' | 'answers' | 'halves' | null
const pack: readonly Fate[] = ['requests', 'answers', 'answers', 'halves', null, null, null, null, null, null]

/** Fates in random order, but of every ten as many of each kind as in the pack: however few are dealt, none is missing. */
function dealer(chance: Chance): { deal(): Fate } {
  let left: Fate[] = []
  return {
    deal() {
      if (left.length === 0) left = [...pack]
      const [fate = null] = left.splice(chance.below(left.length), 1)
      return fate
    },
  }
}

onSqlite('five tabs that renew at once', (open) => {
  let scene: ClientScene
  before(async () => {
    scene = await openClientScene(open)
    await scene.home.member(email)
  })
  after(() => scene?.close())

  const refreshTokenOf = (page: Page) =>
    page.evaluate(
      () =>
        new Promise<string>((resolve) => {
          const opening = indexedDB.open('counterfoil')
          opening.onsuccess = () => {
            const reading = opening.result.transaction('held').objectStore('held').getAll()
            reading.onsuccess = () => {
              opening.result.close()
              resolve(reading.result.map(({ refreshToken }) => refreshToken).join())
            }
          }
        }),
    )

  /** Answers of the token endpoint are lost: on the way there, on the way back, or in the middle of the body. */
  async function loseAnswers(context: BrowserContext, chance: Chance) {
    const lost = { requests: 0, answers: 0, halves: 0 }
    const direct = `http://127.0.0.1:${new URL(scene.origin).port}`
    const { deal } = dealer(chance)
    const fates = {
      requests: (route: Route) => route.abort('connectionreset'),
      async answers(route: Route) {
        // The server has answered, and nobody hears of it.
        await route.fetch({ url: `${direct}/oauth/token` })
        await route.abort('connectionreset')
      },
      async halves(route: Route) {
        const response = await route.fetch({ url: `${direct}/oauth/token` })
        await route.fulfill({ response, body: (await response.text()).slice(0, 20) })
      },
    }
    await context.route('**/oauth/token', async (route) => {
      const fate = deal()
      if (fate === null) return route.continue()
      lost[fate]++
      return fates[fate](route)
    })
    return lost
  }

  test('again and again, with answers lost at random: nobody is signed out, one session, one live refresh token', async (t) => {
    const seed = Math.floor(Math.random() * 2 ** 31)
    t.diagnostic(`seed ${seed}`)
    const chance = createChance(seed)
    const context = await scene.window()
    await context.addInitScript(() => {
      const { now } = Date
      window.ahead = 0
      Date.now = () => now() + window.ahead
    })
    const tabs: Page[] = []
    for (let count = 0; count < 5; count++)
      tabs.push(await scene.open(context, { carrier: 'token', hurried: true }))
    const [first = assert.fail()] = tabs
    const signedIn = await first.evaluate((given) => window.client.signIn(given), {
      email,
      password: goodPassword,
    })
    const refreshToken = await refreshTokenOf(first)
    assert.match(refreshToken, /^cfr_[\w-]+$/)
    const lost = await loseAnswers(context, chance)

    const use = (isNoticed: boolean) => {
      // Every other time the device notices that the token has run out; else the server has to say so.
      if (isNoticed) window.ahead += 400_000
      return window.client.fetch('/auth/sessions').then(
        ({ status }) => String(status),
        ({ name, code }) => code ?? name,
      )
    }
    const outcomes = new Map<string, number>()
    for (let round = 0; round < rounds; round++) {
      scene.home.machine.clock.advance(400)
      for (const outcome of await Promise.all(tabs.map((tab) => tab.evaluate(use, round % 2 === 0))))
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    }
    await context.unroute('**/oauth/token')
    t.diagnostic(JSON.stringify({ lost, outcomes: Object.fromEntries(outcomes) }))

    // A lost answer is a request that failed, and nothing more; `unknown` is one that ends in the middle.
    assert.deepEqual(
      [...outcomes.keys()].filter((outcome) => !['200', 'TypeError', 'unknown'].includes(outcome)),
      [],
    )
    assert.ok((outcomes.get('200') ?? 0) > rounds, 'most requests were answered')
    assert.ok(
      lost.requests > rounds / 20 && lost.answers > rounds / 10 && lost.halves > rounds / 20,
      JSON.stringify(lost),
    )
    for (const tab of tabs) {
      assert.equal(await tab.evaluate(use, true), '200')
      assert.equal((await tab.evaluate(() => window.client.session()))?.session.id, signedIn.session.id)
      assert.equal(await refreshTokenOf(tab), refreshToken)
    }
    const kept = await scene.home.db
      .selectFrom('session')
      .select(['id', 'refresh_generation'])
      .where('bound_hash', 'is not', null)
      .execute()
    assert.deepEqual(kept, [{ id: signedIn.session.id, refresh_generation: 1 }])
    const events = await scene.home.db.selectFrom('event').select('kind').execute()
    assert.deepEqual(
      events.map(({ kind }) => kind).filter((kind) => kind.startsWith('refresh_')),
      [],
    )
    await context.close()
  })
})
