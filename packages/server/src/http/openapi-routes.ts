import { type Route, route } from './route.ts'

/** Loaded and written when it is first asked for: a start owes nothing to it. */
export function openapiRoute(about: { routes(): readonly Route[]; issuer: string; version: string }): Route {
  const write = async () => {
    const { describeRoutes } = await import('./openapi.ts')
    return JSON.stringify(describeRoutes(about.routes(), about))
  }
  let written: ReturnType<typeof write> | null = null
  return route({
    method: 'GET',
    path: '/openapi.json',
    kind: 'open',
    caller: 'ignored',
    async handle() {
      written ??= write()
      return { status: 200, text: { body: await written, type: 'application/json' } }
    },
  })
}
