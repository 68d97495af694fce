import { adapt as adaptChecks, type Opening, openedOnce } from '@counterfoil/verifier/next'
import type { CheckOptions } from '../contract.ts'
import type { Adaptable } from './serving.ts'

type Given = Parameters<typeof adaptChecks>[1] & {
  /** The other end of the socket, if a proxy of yours tells it. Without, limits per network do not apply. */
  addressOf?: (request: Request) => string | null
}

/**
 * For Next.js: what `@counterfoil/verifier/next` gives, and the server itself beside the application. Give a function that
 * makes the server: it is called at the first request, and not while Next.js builds.
 */
export function adapt(auth: Opening<Adaptable>, given: Given = {}) {
  const { addressOf = () => null, name = 'server', ...others } = given
  const opened = openedOnce(auth, name)
  const serve = async (request: Request) => (await opened()).fetch(request, { address: addressOf(request) })
  // One that is given is this one, and no other of the process.
  const checks = typeof auth === 'function' ? opened : auth
  const adapted = adaptChecks<CheckOptions>(checks, { ...others, name: `${name}, its checks` })
  return {
    ...adapted,
    /**
     * The whole of `proxy.ts`: the server answers its own paths, pages too, and what may be forged is refused, for routes
     * and actions that forgot to; null lets through.
     */
    proxy: async (request: Request): Promise<Response | null> =>
      (await opened()).serves(new URL(request.url).pathname)
        ? withWholeLocation(await serve(request), request)
        : adapted.proxy(request),
    /**
     * The methods of a route that hands all its requests to the server, such as `app/auth/[...path]/route.ts`: for an
     * application without `proxy.ts`.
     */
    serve: () => ({ GET: serve, HEAD: serve, POST: serve, DELETE: serve, OPTIONS: serve }),
  }
}

/** Next.js takes none but whole addresses from a proxy, and sends a path of them if they lead to itself. */
function withWholeLocation(answer: Response, { url }: Request): Response {
  const location = answer.headers.get('location')
  if (location === null) return answer
  const headers = new Headers(answer.headers)
  headers.set('location', new URL(location, url).href)
  return new Response(answer.body, { status: answer.status, headers })
}
