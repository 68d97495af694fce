import { adapt as adaptChecks } from '@counterfoil/verifier/next'
import type { CheckOptions } from '../contract.ts'
import type { Adaptable } from './serving.ts'

type Given = Parameters<typeof adaptChecks>[1] & {
  /** The other end of the socket, if a proxy of yours tells it. Without, limits per network do not apply. */
  addressOf?: (request: Request) => string | null
}

/** For Next.js: what `@counterfoil/verifier/next` gives, and the server itself beside the application. */
export function adapt(auth: Adaptable, given: Given = {}) {
  const { addressOf = () => null, ...others } = given
  const serve = (request: Request) => auth.fetch(request, { address: addressOf(request) })
  return {
    ...adaptChecks<CheckOptions>(auth, others),
    /** The methods of a route that hands all its requests to the server, such as `app/auth/[...path]/route.ts`. */
    serve: () => ({ GET: serve, HEAD: serve, POST: serve, DELETE: serve, OPTIONS: serve }),
  }
}
