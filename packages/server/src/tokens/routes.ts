import { type Route, route } from '../http/route.ts'
import type { Keys } from './key-operations.ts'

export function keyRoutes(keys: Keys): Route[] {
  return [
    route({
      method: 'GET',
      path: '/.well-known/jwks.json',
      kind: 'open',
      caller: 'ignored',
      handle: async () => {
        const { jwks } = await keys.ring()
        return { status: 200, text: { body: jwks, type: 'application/jwk-set+json', keepSeconds: 300 } }
      },
    }),
  ]
}
