import { adapt as adaptChecks } from '@counterfoil/verifier/express'
import type { CheckOptions } from '../contract.ts'
import { type Adaptable, type NodeRequest, type NodeResponse, serving } from './serving.ts'

/** For Express: what `@counterfoil/verifier/express` gives, and the server itself beside the application. */
export function adapt(auth: Adaptable) {
  const serve = serving(auth)
  return {
    ...adaptChecks<CheckOptions>(auth),
    /** Before everything else, body parsers too: the server answers its own paths. */
    serve: () => (request: NodeRequest, response: NodeResponse, next: () => void) => {
      if (!serve(request, response)) next()
    },
  }
}
