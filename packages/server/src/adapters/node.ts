import { type Answerable, adapt as adaptChecks, type Judgeable } from '@counterfoil/verifier/node'
import type { CheckOptions } from '../contract.ts'
import { type Adaptable, type NodeRequest, type NodeResponse, serving } from './serving.ts'

/** For bare node:http: what `@counterfoil/verifier/node` gives, and the server itself beside the application. */
export function adapt(auth: Adaptable) {
  const adapted = adaptChecks<CheckOptions>(auth)
  const serve = serving(auth)
  return {
    ...adapted,
    /** Around the one function that answers everything: the server's own paths are answered before it, by the server. */
    serve<Asking extends Judgeable & NodeRequest, Answering extends Answerable & NodeResponse>(
      handler: (request: Asking, response: Answering) => unknown,
      options?: CheckOptions,
    ): (request: Asking, response: Answering) => void {
      const judged = adapted.authenticate<Asking, Answering>(handler, options)
      return (request, response) => {
        if (!serve(request, response)) judged(request, response)
      }
    },
  }
}
