import type { Handler, Route } from '../http/index.ts'
import { contractOf, refusalsByStatus } from '../http/openapi.ts'
import { shapes } from '../http/shapes.ts'

/**
 * The same handler, which holds every answer that any test gets against what /openapi.json says of its route: the status,
 * the code of a refusal, the shape of the body.
 */
export function holdingToContract(fetch: Handler, routes: readonly Route[]): Handler {
  const patterns = [...routes]
    .sort((a, b) => Number(a.path.includes(':')) - Number(b.path.includes(':')))
    .map((route) => ({
      route,
      pattern: new RegExp(`^${route.path.replaceAll('.', '\\.').replaceAll(/:\w+/g, '[^/]+')}$`),
    }))
  return async (request, remote) => {
    const method = request.method === 'HEAD' ? 'GET' : request.method
    const { pathname } = new URL(request.url)
    // Such a path is nobody's, however well a pattern fits.
    const isPlain = !/%|\/\/|\\/.test(pathname)
    const found = patterns.find(
      ({ route, pattern }) => isPlain && route.method === method && pattern.test(pathname),
    )
    const response = await fetch(request, remote)
    if (found !== undefined && request.method !== 'HEAD') await hold(found.route, response)
    return response
  }
}

async function hold(route: Route, response: Response): Promise<void> {
  const { status } = response
  const type = response.headers.get('content-type') ?? ''
  const fail = (what: string) => {
    throw new Error(`${route.method} ${route.path} answered ${status}: ${what}; see http/contracts.ts`)
  }
  const { answers } = contractOf(route)
  const content = answers[status]
  const isJson = /^application\/(?:problem\+)?json\b/.test(type)
  const body: unknown = isJson ? await response.clone().json() : null
  if (status >= 400 && typeof body === 'object' && body !== null && 'code' in body) {
    const codes: readonly unknown[] = refusalsByStatus(route).get(status) ?? []
    if (!codes.includes(body.code)) fail(`\`${body.code}\` is none of its refusals`)
    const isProblem = route.kind === 'oauth' ? shapes.OAuthError : shapes.Problem
    if (!isProblem.safeParse(body).success) fail(`not the form of a refusal: ${Object.keys(body)}`)
    return
  }
  if (content === undefined) {
    if (route.kind !== 'page' || status < 400) fail('which it does not do by its contract')
    return
  }
  if (content === null) {
    if ((await response.clone().text()) !== '') fail('with a body')
    return
  }
  if (!isJson || (typeof content === 'object' && 'type' in content)) return
  const names = typeof content === 'string' ? [content] : content
  const faults = names.map((name) => shapes[name].safeParse(body).error)
  if (faults.every((fault) => fault !== undefined)) fail(`a body that is not ${names}: ${faults[0]?.message}`)
}
