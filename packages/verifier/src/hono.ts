import type { Caller } from './caller.ts'
import { type AuthenticateOptions, judgeRequest } from './problem.ts'
import type { Verifier } from './verifier.ts'

/** For `new Hono<{ Variables: CallerVariables }>()`. */
export type CallerVariables = { caller: Caller | null }

type Judgeable = {
  readonly req: { readonly raw: Request }
  set(name: 'caller', value: Caller | null): void
}

/** For Hono: `c.get('caller')` in the routes below it, or an answer with the refusal. */
export function authenticate(verifier: Pick<Verifier, 'identify'>, options: AuthenticateOptions = {}) {
  return async function authenticateRequest(
    context: Judgeable,
    next: () => Promise<void>,
  ): Promise<Response | undefined> {
    const judged = await judgeRequest(verifier, context.req.raw, options)
    if (judged.problem === null) {
      context.set('caller', judged.caller)
      await next()
      return undefined
    }
    const { status, headers, body } = judged.problem
    return new Response(body, { status, headers })
  }
}
