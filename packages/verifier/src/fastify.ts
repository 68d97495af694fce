import type { Caller } from './caller.ts'
import type { IncomingRequest } from './incoming.ts'
import { type AuthenticateOptions, judgeRequest } from './problem.ts'
import type { Verifier } from './verifier.ts'

type Judgeable = { readonly raw: IncomingRequest; caller?: Caller | null }
type Answerable<Reply> = {
  code(status: number): Reply
  headers(values: Record<string, string>): Reply
  send(body: string): Reply
}

/**
 * For Fastify, as an `onRequest` hook, so that a caller is judged before its body is parsed: puts `caller` on the
 * request, or answers with the refusal. Once for the application: `app.decorateRequest('caller', null)`.
 */
export function authenticate(verifier: Pick<Verifier, 'identify'>, options: AuthenticateOptions = {}) {
  return async function authenticateRequest<Reply extends Answerable<Reply>>(
    request: Judgeable,
    reply: Reply,
  ): Promise<Reply | undefined> {
    const judged = await judgeRequest(verifier, request.raw, options)
    if (judged.problem === null) {
      request.caller = judged.caller
      return undefined
    }
    const { status, headers, body } = judged.problem
    return reply.code(status).headers(headers).send(body)
  }
}
