import { adapt as adaptChecks, type Judgeable } from '@counterfoil/verifier/hono'
import type { CheckOptions } from '../contract.ts'
import type { Adaptable } from './serving.ts'

export type { CallerVariables } from '@counterfoil/verifier/hono'

type Context = Judgeable & { readonly req: { readonly path: string }; readonly env: unknown }

/** For Hono: what `@counterfoil/verifier/hono` gives, and the server itself beside the application. */
export function adapt(auth: Adaptable) {
  const adapted = adaptChecks<CheckOptions>(auth)
  return {
    ...adapted,
    /**
     * Before everything else: the server answers its own paths, and does what `authenticate` does for every other request.
     * `addressOf` tells the other end of the socket; left out, it is what `@hono/node-server` says, and limits per network
     * do not apply where nobody says anything.
     */
    serve({ addressOf = addressOfNode, ...options }: ServeOptions = {}) {
      const judge = adapted.authenticate(options)
      return (context: Context, next: () => Promise<void>): Promise<Response | undefined> => {
        const { req, env } = context
        return auth.serves(req.path) ? auth.fetch(req.raw, { address: addressOf(env) }) : judge(context, next)
      }
    },
  }
}

type ServeOptions = CheckOptions & { addressOf?: (env: unknown) => string | null }

function addressOfNode(env: unknown): string | null {
  const incoming = memberOf(env, 'incoming')
  const address = memberOf(memberOf(incoming, 'socket'), 'remoteAddress')
  return typeof address === 'string' ? address : null
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}
