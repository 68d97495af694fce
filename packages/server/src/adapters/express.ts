import { type Answerable, adapt as adaptChecks, type Judgeable } from '@counterfoil/verifier/express'
import type { CheckOptions } from '../contract.ts'
import { type Adaptable, type NodeRequest, type NodeResponse, serving } from './serving.ts'

/** For Express: what `@counterfoil/verifier/express` gives, and the server itself beside the application. */
export function adapt(auth: Adaptable) {
  const adapted = adaptChecks<CheckOptions>(auth)
  const isServed = serving(auth)
  return {
    ...adapted,
    /**
     * Before everything else, body parsers too: the server answers its own paths, and does what `authenticate` does for
     * every other request.
     */
    serve(options?: CheckOptions) {
      const judge = adapted.authenticate(options)
      return (
        request: NodeRequest & Judgeable,
        response: NodeResponse & Answerable,
        next: (error?: unknown) => void,
      ): void => {
        if (!isServed(request, response)) judge(request, response, next)
      }
    },
  }
}
