import { Hono } from 'hono'
import { streamSSE } from 'hono/streaming'
import { attackPath, bankDescription } from '../attackable.ts'
import { assetNamed, headers } from './answers.ts'
import { clientModule } from './client-modules.ts'
import { ticketOf } from './panel.ts'
import { bankRoutes, type Parts } from './routes.ts'

/** The bank as the demonstration shows it: its routes, and around them the panel that tells what happens. */
export function createBank(parts: Parts): (request: Request, env: object) => Promise<Response> {
  const { witness, queue } = parts
  const app = new Hono()
  app.use(async (c, next) => {
    await next()
    // Counterfoil's own pages have said theirs already.
    if (c.res.headers.has('content-security-policy')) return
    for (const [name, value] of Object.entries(headers)) c.res.headers.set(name, value)
  })
  app.get('/assets/bank/:name', (c) => assetNamed(c.req.param('name')) ?? c.notFound())
  app.get('/assets/client/:name', (c) => clientModule(c.req.param('name')) ?? c.notFound())
  app.get('/panel', (c) =>
    streamSSE(c, async (stream) => {
      const stop = witness.listen(({ exchange, changed }) => {
        void stream.writeSSE({ event: 'exchange', data: String(ticketOf(exchange)) })
        if (changed !== null) void stream.writeSSE({ event: 'changed', data: changed })
      })
      const stopWatching = queue.watch(() => void stream.writeSSE({ event: 'changed', data: 'statements' }))
      await new Promise<void>((resolve) => stream.onAbort(resolve))
      stop()
      stopWatching()
    }),
  )
  app.get(attackPath, (c) => c.json(bankDescription))
  app.route('/', bankRoutes(parts))

  return async (request, env) => {
    const answer = async () => app.fetch(request, env)
    // The scenery is not part of the story.
    const isScenery = /^\/(?:panel$|assets\/|dev\/)/.test(new URL(request.url).pathname)
    return isScenery ? answer() : witness.watch(request, answer)
  }
}
