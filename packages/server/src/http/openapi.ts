import * as z from 'zod'
import { refusals } from '../refusals.ts'
import { type Content, type Contract, contracts, type RefusalCode } from './contracts.ts'
import { problemType, statusOf } from './problem.ts'
import type { Route } from './route.ts'
import { type ShapeName, shapes } from './shapes.ts'

type Json = Record<string, unknown>

const refTo = (name: string) => ({ $ref: `#/components/schemas/${name}` })

export function contractOf({ method, path }: Pick<Route, 'method' | 'path'>): Contract {
  const found = contracts[`${method} ${path}`]
  if (found === undefined) throw new Error(`http/contracts.ts says nothing of ${method} ${path}`)
  return found
}

/** What a route may refuse: what every one of its kind does, and what it does of its own. */
export function refusalsOf(route: Route): readonly RefusalCode[] {
  const { kind, caller, takesBody } = route
  const codes: RefusalCode[] = ['store_unavailable', 'broken', ...(contractOf(route).refusals ?? [])]
  if (takesBody) codes.push('input_invalid', 'input_too_large', 'media_type_wrong')
  if (kind === 'api' || kind === 'page') codes.push('forged_request')
  if (caller === 'required') codes.push('credential_missing')
  if (caller !== 'ignored') codes.push('feed_stale', 'credential_ambiguous')
  if (caller === 'required' || caller === 'optional') {
    codes.push('credential_invalid', 'token_expired', 'session_ended', 'grant_ended')
    codes.push('proof_invalid', 'too_many_proofs')
  }
  return [...new Set(codes)].sort()
}

/** The refusals of a route by the status that it answers them with. */
export function refusalsByStatus(route: Route): ReadonlyMap<number, readonly RefusalCode[]> {
  const found = new Map<number, RefusalCode[]>()
  for (const code of refusalsOf(route)) {
    const status = statusOf({ code, status: refusals[code].status }, route.kind)
    found.set(status, [...(found.get(status) ?? []), code])
  }
  return found
}

function contentOf(content: Content): Json {
  if (content === null) return {}
  if (typeof content === 'string') return { 'application/json': { schema: refTo(content) } }
  if ('type' in content) return { [content.type]: {} }
  const [only, ...more] = content.map(refTo)
  return { 'application/json': { schema: more.length === 0 ? only : { anyOf: [only, ...more] } } }
}

function refusalContent(kind: Route['kind'], codes: readonly RefusalCode[]): Json {
  const [type, shape] = kind === 'oauth' ? ['application/json', 'OAuthError'] : [problemType, 'Problem']
  return { [type]: { schema: { allOf: [refTo(shape), { properties: { code: { enum: codes } } }] } } }
}

/** What other media types a route has for the same answer. */
const alternatives: Readonly<Record<string, Json>> = {
  'POST /oauth/introspect': { 'application/token-introspection+jwt': {} },
  'GET /dev/mail': { 'text/html': {} },
  'GET /.well-known/jwks.json': { 'application/jwk-set+json': { schema: refTo('KeySet') } },
}

function responsesOf(route: Route): Json {
  const responses: Record<string, { description: string; content?: Json }> = {}
  for (const [status, content] of Object.entries(contractOf(route).answers)) {
    const other = alternatives[`${route.method} ${route.path}`] ?? {}
    const all = { ...contentOf(content), ...(content === null ? {} : other) }
    responses[status] = { description: 'done', ...(Object.keys(all).length > 0 ? { content: all } : {}) }
  }
  if (route.kind === 'page') {
    responses.default = { description: 'A page that says what is wrong.', content: { 'text/html': {} } }
    return responses
  }
  for (const [status, codes] of refusalsByStatus(route)) {
    const content = { ...responses[status]?.content, ...refusalContent(route.kind, codes) }
    responses[status] = { description: codes.join(', '), content }
  }
  return responses
}

function parametersOf(route: Route): Json[] {
  const { query = [], headers = [] } = contractOf(route)
  const schema = { type: 'string' }
  return [
    ...[...route.path.matchAll(/:(\w+)/g)].map(([, name]) => ({ name, in: 'path', required: true, schema })),
    ...query.map((given) => {
      const name = given.replace('!', '')
      return { name, in: 'query', required: name !== given, schema }
    }),
    ...headers.map((name) => ({ name, in: 'header', required: false, schema })),
  ]
}

function securityOf({ caller, kind, method, path }: Route): Json[] {
  if (contractOf({ method, path }).isForClients)
    return kind === 'oauth' ? [{ client: [] }, {}] : [{ client: [] }]
  if (caller === 'ignored' || caller === 'replaced') return []
  const carried = [{ cookie: [] }, { bearer: [] }, { dpop: [] }]
  return caller === 'optional' ? [{}, ...carried] : carried
}

function bodyOf({ body, kind }: Route): Json {
  if (body === null) return {}
  const { $schema: _, ...schema } = z.toJSONSchema(body, { io: 'input' })
  const type = kind === 'api' || kind === 'service' ? 'application/json' : 'application/x-www-form-urlencoded'
  return { requestBody: { required: true, content: { [type]: { schema } } } }
}

const tags: Readonly<Record<Route['kind'], string>> = {
  ...{ api: 'accounts and sessions', page: 'pages', oauth: 'OAuth', service: 'feed', open: 'public' },
}

function operationOf(route: Route): Json {
  return {
    operationId: `${route.method.toLowerCase()}${route.path.replaceAll(/\W+/g, '_').replace(/_$/, '')}`,
    summary: contractOf(route).summary,
    tags: [tags[route.kind]],
    security: securityOf(route),
    parameters: parametersOf(route),
    ...bodyOf(route),
    responses: responsesOf(route),
  }
}

function schemas(): Json {
  const registry = z.registry<{ id: string }>()
  for (const name of Object.keys(shapes)) registry.add(shapes[name as ShapeName], { id: name })
  const { schemas: made } = z.toJSONSchema(registry, { uri: (id) => refTo(id).$ref })
  return Object.fromEntries(
    Object.entries(made).map(([name, { $schema: _, $id: __, ...schema }]) => [name, schema]),
  )
}

/** The whole surface as OpenAPI 3.1. */
export function describeRoutes(
  routes: readonly Route[],
  { issuer, version }: { issuer: string; version: string },
): Json {
  const paths: Record<string, Json> = {}
  for (const route of routes) {
    const path = route.path.replaceAll(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route) }
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Counterfoil',
      version,
      description:
        'One session, two carriers. An unsafe request by cookie has to show that it comes from the same origin, or is `forged_request`.',
    },
    servers: [{ url: issuer }],
    paths,
    components: {
      schemas: schemas(),
      securitySchemes: {
        cookie: { type: 'apiKey', in: 'cookie', name: '__Host-Http-session' },
        bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
        dpop: { type: 'http', scheme: 'dpop', description: 'with a proof in the header `DPoP` (RFC 9449)' },
        client: { type: 'http', scheme: 'basic', description: 'id and secret, form-encoded first' },
      },
    },
  }
}
