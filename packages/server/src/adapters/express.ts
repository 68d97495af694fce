import {
  type Answerable,
  type Application,
  adapt as adaptChecks,
  type Judgeable,
  type Middleware,
} from '@counterfoil/verifier/express'
import type { CheckOptions } from '../contract.ts'
import { type Adaptable, type NodeRequest, type NodeResponse, serving } from './serving.ts'

type Asking = NodeRequest & Judgeable
type Answering = NodeResponse & Answerable
type Serving = (request: Asking, response: Answering, next: (error?: unknown) => void) => void
type Listener = (request: Asking, response: Answering) => void

/** For Express: what `@counterfoil/verifier/express` gives, and the server itself beside the application. */
export function adapt(auth: Adaptable) {
  const adapted = adaptChecks<CheckOptions>(auth)
  const isServed = serving(auth)

  /**
   * Before everything else, body parsers too: the server answers its own paths, and does what `authenticate` does for
   * every other request. Or around the application, as in `createServer(serve(app))`, which costs a request less.
   */
  function serve(options?: CheckOptions): Serving
  function serve(application: Application, options?: CheckOptions): Listener
  function serve(first?: Application | CheckOptions, second?: CheckOptions) {
    return typeof first === 'function' ? around(first, second) : before(first)
  }

  function before(options?: CheckOptions): Serving {
    const judge: Middleware = adapted.authenticate(options)
    return (request, response, next) => {
      if (!isServed(request, response)) judge(request, response, next)
    }
  }

  function around(application: Application, options?: CheckOptions): Listener {
    const judged = adapted.authenticate(application, options)
    return (request, response) => {
      if (!isServed(request, response)) judged(request, response)
    }
  }

  return { ...adapted, serve }
}
