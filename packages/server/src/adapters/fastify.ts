import { adapt as adaptChecks } from '@counterfoil/verifier/fastify'
import type { CheckOptions } from '../contract.ts'
import { type Adaptable, type NodeRequest, type NodeResponse, serving } from './serving.ts'

type Raw<Message> = { readonly raw: Message }

/** For Fastify: what `@counterfoil/verifier/fastify` gives, and the server itself beside the application. */
export function adapt(auth: Adaptable) {
  const serve = serving(auth)
  return {
    ...adaptChecks<CheckOptions>(auth),
    /** The first `onRequest` hook of the application: the server answers its own paths. */
    serve:
      () =>
      (request: Raw<NodeRequest>, reply: Raw<NodeResponse> & { hijack(): unknown }, done: () => void) => {
        if (!serve(request.raw, reply.raw)) return done()
        reply.hijack()
      },
  }
}
