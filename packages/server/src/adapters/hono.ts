import { adapt as adaptChecks } from '@counterfoil/verifier/hono'
import type { CheckOptions } from '../contract.ts'
import type { Adaptable } from './serving.ts'

export type { CallerVariables } from '@counterfoil/verifier/hono'

type Context = { readonly req: { readonly raw: Request; readonly path: string }; readonly env: unknown }

/** For Hono: what `@counterfoil/verifier/hono` gives, and the server itself beside the application. */
export function adapt(auth: Adaptable) {
  return {
    ...adaptChecks<CheckOptions>(auth),
    /**
     * Before everything else: the server answers its own paths. `addressOf` tells the other end of the socket; left out,
     * it is what `@hono/node-server` says, and limits per network do not apply where nobody says anything.
     */
    serve:
      (addressOf: (env: unknown) => string | null = addressOfNode) =>
      async (context: Context, next: () => Promise<void>): Promise<Response | undefined> => {
        const { req, env } = context
        if (auth.serves(req.path)) return auth.fetch(req.raw, { address: addressOf(env) })
        await next()
        return undefined
      },
  }
}

function addressOfNode(env: unknown): string | null {
  const incoming = memberOf(env, 'incoming')
  const address = memberOf(memberOf(incoming, 'socket'), 'remoteAddress')
  return typeof address === 'string' ? address : null
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}
