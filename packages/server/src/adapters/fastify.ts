import { type Answerable, adapt as adaptChecks, type Judgeable } from '@counterfoil/verifier/fastify'
import type { CheckOptions } from '../contract.ts'
import { type Adaptable, type NodeRequest, type NodeResponse, serving } from './serving.ts'

type Raw<Message> = { readonly raw: Message }

/** For Fastify: what `@counterfoil/verifier/fastify` gives, and the server itself beside the application. */
export function adapt(auth: Adaptable) {
  const adapted = adaptChecks<CheckOptions>(auth)
  const isServed = serving(auth)
  return {
    ...adapted,
    /**
     * The first `onRequest` hook of the application: the server answers its own paths, and does what `authenticate` does
     * for every other request.
     */
    serve(options?: CheckOptions) {
      const judge = adapted.authenticate(options)
      return (
        request: Judgeable & Raw<NodeRequest>,
        reply: Answerable & Raw<NodeResponse> & { hijack(): unknown },
        done: (error?: Error) => void,
      ): void => {
        if (isServed(request.raw, reply.raw)) reply.hijack()
        else judge(request, reply, done)
      }
    },
  }
}
