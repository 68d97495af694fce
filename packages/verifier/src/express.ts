import type { Caller } from './caller.ts'
import type { IncomingRequest } from './incoming.ts'
import { type AuthenticateOptions, judgeRequest } from './problem.ts'
import type { Verifier } from './verifier.ts'

type Judgeable = IncomingRequest & { caller?: Caller | null }
type Answerable = {
  statusCode: number
  setHeader(name: string, value: string): unknown
  end(body: string): unknown
}

/**
 * For Express, Connect and bare node:http: puts `caller` on the request, or answers with the refusal. `next` hears of
 * what is broken; call it yourself where there is no framework.
 */
export function authenticate(verifier: Pick<Verifier, 'identify'>, options: AuthenticateOptions = {}) {
  return async function authenticateRequest(
    request: Judgeable,
    response: Answerable,
    next: (error?: unknown) => void,
  ): Promise<void> {
    const judged = await judgeRequest(verifier, request, options).catch((error: unknown) => ({ error }))
    if ('error' in judged) return next(judged.error)
    if (judged.problem === null) {
      request.caller = judged.caller
      return next()
    }
    const { status, headers, body } = judged.problem
    response.statusCode = status
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    response.end(body)
  }
}
