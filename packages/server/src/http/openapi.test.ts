import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { before, test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { createTestAuth } from '../test-kit/index.ts'
import { routeTable } from '../testing/route-table.ts'
import { contracts } from './contracts.ts'
import { refusalsOf } from './openapi.ts'
import type { Route } from './route.ts'

type Content = Record<string, { schema?: object }>
type Operation = {
  operationId: string
  parameters: { name: string; in: string; required: boolean }[]
  security: Record<string, string[]>[]
  requestBody?: { content: Content }
  responses: Record<string, { description: string; content?: Content }>
}
type Document = {
  openapi: string
  info: { title: string; version: string }
  servers: { url: string }[]
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, object>; securitySchemes: Record<string, object> }
}

let routes: readonly Route[] = []
let document: Document
before(async () => {
  routes = await routeTable()
  const auth = await createTestAuth({ adopt: () => null })
  const answer = await auth.fetch(new Request(`${auth.issuer}/openapi.json`))
  assert.equal(answer.headers.get('content-type'), 'application/json')
  document = await answer.json()
})

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )

test('every route and method is described, and nothing else', () => {
  const described = operations().map(({ method, path }) => `${method.toUpperCase()} ${path}`)
  const real = routes.map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`)
  assert.deepEqual(described.sort(), real.sort())
  const names = routes.map(({ method, path }) => `${method} ${path}`)
  assert.deepEqual(Object.keys(contracts).sort(), names.sort(), 'http/contracts.ts against the routes')
})

test('the document is OpenAPI 3.1: names once, parameters that the path has, answers for everything', () => {
  assert.match(document.openapi, /^3\.1\.\d+$/)
  assert.equal(document.servers[0]?.url, 'http://localhost:3000')
  assert.ok(document.info.title && document.info.version)
  const ids = operations().map(({ operation }) => operation.operationId)
  assert.equal(new Set(ids).size, ids.length)
  for (const { path, method, operation } of operations()) {
    assert.match(path, /^\/[\w./{}-]*$/)
    const inPath = operation.parameters.filter((one) => one.in === 'path').map(({ name }) => name)
    assert.deepEqual(
      inPath,
      [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name),
    )
    assert.ok(
      Object.keys(operation.responses).some((status) => /^[23]\d\d$/.test(status)),
      path,
    )
    for (const [status, { description }] of Object.entries(operation.responses)) {
      assert.match(status, /^(?:[2-5]\d\d|default)$/)
      assert.ok(description)
    }
    assert.equal(operation.requestBody !== undefined && method === 'get', false)
    const schemes = operation.security.flatMap((one) => Object.keys(one))
    for (const scheme of schemes) assert.ok(scheme in document.components.securitySchemes, scheme)
  }
})

test('every schema is one, and every reference leads to one', () => {
  const ajv = new Ajv2020({ strict: true, strictTypes: false, allowUnionTypes: true })
  const base = 'https://counterfoil.example/openapi.json'
  ajv.addVocabulary(['components'])
  ajv.addSchema({ $id: base, components: document.components })
  const resolved = (schema: object) =>
    JSON.parse(JSON.stringify(schema).replaceAll('"#/components', `"${base}#/components`))
  for (const name of Object.keys(document.components.schemas))
    ajv.compile({ $ref: `${base}#/components/schemas/${name}` })
  for (const { operation } of operations()) {
    const contents = [operation.requestBody, ...Object.values(operation.responses)].map((one) => one?.content)
    for (const content of contents)
      for (const { schema } of Object.values(content ?? {})) if (schema) ajv.compile(resolved(schema))
  }
  const isGrant = ajv.compile({ $ref: `${base}#/components/schemas/Receipt` })
  assert.equal(isGrant({ position: 1, verifiers: 2, confirmed: 2, worst_case_at: null }), true)
  assert.equal(isGrant({ position: 1, verifiers: 2, confirmed: 2 }), false)
})

/** The codes in the last column of a route's rows; `password_*` is all of them. */
function documented(route: Route): Set<string> {
  const page = readFileSync(new URL('../../../../docs/http.md', import.meta.url), 'utf8').split('\n')
  const first = page.findIndex((line) => line.startsWith(`| \`${route.method} ${route.path}\` |`))
  assert.notEqual(first, -1, route.path)
  const next = page.findIndex((line, index) => index > first && !line.startsWith('| |'))
  const cells = page.slice(first, next).map(
    (line) =>
      line
        .replace(/\s*\|$/, '')
        .split(/(?<!\\)\|/)
        .at(-1) ?? '',
  )
  return new Set([...cells.join(' ').matchAll(/`([a-z]+_[a-z_*]+|busy)`/g)].map(([, code = '']) => code))
}

test('the refusals of each route are those of docs/http.md', () => {
  const faults: string[] = []
  for (const route of routes.filter(({ kind }) => kind !== 'page')) {
    const page = documented(route)
    const isOnPage = (code: string) =>
      page.has(code) || (page.has('password_*') && /^password_(?:too|com|mal)/.test(code))
    const all = new Set<string>(refusalsOf(route))
    const own = contracts[`${route.method} ${route.path}`]?.refusals ?? []
    for (const code of page)
      if (code !== 'password_*' && !all.has(code))
        faults.push(`${route.path}: http/contracts.ts has no ${code}`)
    // What comes with a body, a credential or a DPoP header is told once, for all.
    const everywhere = /^(?:proof_|too_many_proofs|feed_stale|session_ended)/
    for (const code of own)
      if (!isOnPage(code) && !everywhere.test(code)) faults.push(`${route.path}: docs/http.md has no ${code}`)
  }
  assert.deepEqual(faults, [])
})
