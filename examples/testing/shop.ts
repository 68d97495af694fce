import type { Auth } from 'counterfoil'
import { adapt, type CallerVariables } from 'counterfoil/hono'
import { Hono } from 'hono'

/** The application is made of what it is given, so that a test can give it something else. */
export function createShop(auth: Auth) {
  const { serve, required, callerOf } = adapt(auth)
  const orders: { by: string; what: string }[] = []
  const app = new Hono<{ Variables: CallerVariables }>()
  app.use(serve())
  app.get('/orders', required(), (c) => c.json(orders.filter(({ by }) => by === callerOf(c).account.id)))
  app.post('/orders', required(), async (c) => {
    const { what } = await c.req.json<{ what: string }>()
    orders.push({ by: callerOf(c).account.id, what })
    return c.body(null, 201)
  })
  app.delete('/orders', required({ freshWithinSeconds: 300 }), (c) => {
    orders.length = 0
    return c.body(null, 204)
  })
  return app
}
