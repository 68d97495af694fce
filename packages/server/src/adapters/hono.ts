import { adapt as adaptChecks, type Fetch, type Judgeable, type Middleware } from '@counterfoil/verifier/hono'
import type { CheckOptions } from '../contract.ts'
import type { Adaptable } from './serving.ts'

export type { CallerHandler, CallerVariables } from '@counterfoil/verifier/hono'

type Context = Judgeable & { readonly req: { readonly path: string }; readonly env: unknown }
type Serving = (context: Context, next: () => Promise<void>) => Promise<Response | undefined>

/** For Hono: what `@counterfoil/verifier/hono` gives, and the server itself beside the application. */
export function adapt(auth: Adaptable) {
  const adapted = adaptChecks<CheckOptions>(auth)

  /**
   * Before everything else: the server answers its own paths, and does what `authenticate` does for every other request,
   * as a middleware or, for less, around `app.fetch`. `addressOf` tells the other end of the socket; left out, it is what
   * `@hono/node-server` says, and limits per network do not apply where nobody says anything.
   */
  function serve(options?: ServeOptions): Serving
  function serve<Rest extends unknown[]>(fetch: Fetch<Rest>, options?: ServeOptions): Fetch<Rest>
  function serve<Rest extends unknown[]>(first?: Fetch<Rest> | ServeOptions, second?: ServeOptions) {
    return typeof first === 'function' ? around(first, second) : before(first)
  }

  function before({ addressOf = addressOfNode, ...options }: ServeOptions = {}): Serving {
    const judge: Middleware = adapted.authenticate(options)
    return (context, next) => {
      const { req, env } = context
      return auth.serves(req.path) ? auth.fetch(req.raw, { address: addressOf(env) }) : judge(context, next)
    }
  }

  function around<Rest extends unknown[]>(
    fetch: Fetch<Rest>,
    { addressOf = addressOfNode, ...options }: ServeOptions = {},
  ): Fetch<Rest> {
    const judged = adapted.authenticate(fetch, options)
    return (request, ...rest) =>
      auth.serves(pathOf(request.url))
        ? auth.fetch(request, { address: addressOf(rest[0]) })
        : judged(request, ...rest)
  }

  return { ...adapted, serve }
}

type ServeOptions = CheckOptions & { addressOf?: (env: unknown) => string | null }

/** Of a whole address, as a web request has it. */
function pathOf(url: string): string {
  const start = url.indexOf('/', url.indexOf('://') + 3)
  const end = url.indexOf('?', start)
  return start === -1 ? '/' : url.slice(start, end === -1 ? url.length : end)
}

function addressOfNode(env: unknown): string | null {
  const incoming = memberOf(env, 'incoming')
  const address = memberOf(memberOf(incoming, 'socket'), 'remoteAddress')
  return typeof address === 'string' ? address : null
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}
