import { writeStatement } from '@counterfoil/verifier'
import { z } from 'zod'
import { type Route, route } from '../http/route.ts'
import type { Carriers } from './operations.ts'

/** Refuses whoever does not prove itself as a client. */
type AuthenticateClient = (authorization: string | null) => Promise<unknown>

export function carrierRoutes(carriers: Carriers, authenticate: AuthenticateClient): Route[] {
  return [
    route({
      method: 'POST',
      path: '/feed/statement',
      kind: 'service',
      caller: 'ignored',
      body: z.object({ cookie: z.string().max(256) }),
      async handle({ authorization, body }) {
        await authenticate(authorization)
        const statement = await carriers.statement(body.cookie)
        return { status: 200, text: { body: writeStatement(statement), type: 'application/json' } }
      },
    }),
  ]
}
