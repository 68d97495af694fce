import * as z from 'zod'
import type { Header } from './wire.ts'

/** A request as the description spells it; `{name}`, `{password}` and the like stand for what the moment brings. */
export type Route = {
  method: string
  path: string
  type: 'json' | 'form' | null
  fields: Readonly<Record<string, unknown>>
  headers: readonly Header[]
}

export type Filling = Readonly<Record<string, string>>

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/
// A path and no more, so that no description leads the kit to another host.
const pathPattern = /^\/(?![/\\])[\x21-\x7e]{0,2000}$|^\/$/
const ours = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'upgrade',
  'expect',
  'content-type',
])
const deepest = 10

const pathSchema = z.string().regex(pathPattern, 'a path begins with one / and holds printable ASCII only')
const headersSchema = z.record(
  z
    .string()
    .refine((name) => token.test(name) && !ours.has(name.toLowerCase()), 'is not a header to be set here'),
  z.string().regex(/^[\x20-\x7e]{0,1000}$/),
)
const fieldsSchema = z
  .record(z.string().max(200), z.unknown())
  .refine((fields) => isShallow(fields, deepest), `is nested deeper than ${deepest}`)
const methodSchema = z.string().regex(/^[A-Z]{1,20}$/, 'a method is in capitals')

const objectSchema = z
  .strictObject({
    method: methodSchema.default('GET'),
    path: pathSchema,
    json: fieldsSchema.optional(),
    form: fieldsSchema.optional(),
    headers: headersSchema.default({}),
  })
  .refine(({ json, form }) => json === undefined || form === undefined, 'is either json or form')
  .transform(({ method, path, json, form, headers }): Route => {
    const type = json !== undefined ? 'json' : form !== undefined ? 'form' : null
    return { method, path, type, fields: json ?? form ?? {}, headers: Object.entries(headers) }
  })

/** `POST /login {"user": "{name}"}`, `POST /login user={name}&password={password}`, `GET /me` or just `/me`. */
const textSchema = z
  .string()
  .max(10_000)
  .transform((text, context) => {
    const [, method = 'GET', path = '', body = ''] = /^(?:([A-Z]+) )?(\/[^ ]*)(?: (.*))?$/s.exec(text) ?? []
    const given = { method, path, ...bodyOf(body) }
    const parsed = objectSchema.safeParse(given)
    if (parsed.success) return parsed.data
    context.addIssue({ code: 'custom', message: 'is spelled METHOD /path, and then JSON or a form' })
    return z.NEVER
  })

export const routeSchema = z.union([textSchema, objectSchema])

function bodyOf(text: string): { json?: unknown; form?: unknown } {
  if (text === '') return {}
  if (!text.startsWith('{"') && text !== '{}') return { form: Object.fromEntries(new URLSearchParams(text)) }
  try {
    return { json: JSON.parse(text) }
  } catch {
    return { json: null }
  }
}

function isShallow(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  return levels > 0 && Object.values(value).every((part) => isShallow(part, levels - 1))
}

export function fillText(text: string, filling: Filling): string {
  return text.replace(/\{([a-z_]+)\}/g, (whole, name: string) =>
    Object.hasOwn(filling, name) ? (filling[name] ?? '') : whole,
  )
}

/** In paths what is filled in is escaped, so that a value adds no parameter of its own. */
export function filledRoute(route: Route, filling: Filling): Route {
  const escaped = Object.fromEntries(
    Object.entries(filling).map(([name, value]) => [name, encodeURIComponent(value.toWellFormed())]),
  )
  return {
    ...route,
    path: fillText(route.path, escaped),
    fields: filledValue(route.fields, filling) as Route['fields'],
    headers: route.headers.map(([name, value]) => [
      name,
      fillText(value, filling).replace(/[^\x20-\x7e]/g, ''),
    ]),
  }
}

function filledValue(value: unknown, filling: Filling): unknown {
  if (typeof value === 'string') return fillText(value, filling)
  if (Array.isArray(value)) return value.map((part) => filledValue(part, filling))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, filledValue(part, filling)]))
}

export function mentions(route: Route, placeholder: string): boolean {
  const { path, fields, headers } = route
  return `${path} ${JSON.stringify(fields)} ${headers.flat().join(' ')}`.includes(`{${placeholder}}`)
}

/** What a page can send anywhere without asking first (no preflight), and how each spells the fields. */
export type BodyType = 'form' | 'text' | 'multipart' | 'untyped' | 'json'

export type Body = { headers: readonly Header[]; body: string | null }

export function bodyAs(type: BodyType, { fields }: Route): Body {
  const json = JSON.stringify(fields)
  switch (type) {
    case 'form':
      return { headers: [['Content-Type', 'application/x-www-form-urlencoded']], body: formOf(fields) }
    case 'multipart':
      return { headers: [['Content-Type', 'multipart/form-data; boundary=x9']], body: multipartOf(fields) }
    case 'text':
      return { headers: [['Content-Type', 'text/plain']], body: json }
    case 'untyped':
      return { headers: [], body: json }
    case 'json':
      return { headers: [['Content-Type', 'application/json']], body: json }
  }
}

/** The body as the description has it. */
export function ownBody(route: Route): Body {
  if (route.type !== null) return bodyAs(route.type, route)
  return { headers: [], body: ['GET', 'HEAD'].includes(route.method) ? null : '' }
}

const texts = (fields: Route['fields']) =>
  Object.entries(fields).map(([name, value]): [string, string] => [
    name,
    typeof value === 'string' ? value : JSON.stringify(value ?? ''),
  ])

export function formOf(fields: Route['fields']): string {
  return new URLSearchParams(texts(fields)).toString()
}

function multipartOf(fields: Route['fields']): string {
  const parts = texts(fields).map(
    ([name, value]) =>
      `--x9\r\nContent-Disposition: form-data; name="${name.replace(/["\r\n]/g, '')}"\r\n\r\n${value}\r\n`,
  )
  return `${parts.join('')}--x9--\r\n`
}
