import * as z from 'zod'
import { flagOf } from './lacking.ts'
import { type Route, routeSchema } from './route.ts'

/** Where a target describes itself, and where its owner agrees to be attacked. */
export const wellKnownPath = '/.well-known/counterfoil-attack.json'

const longestText = 8_192
const text = z.string().min(1).max(longestText)
const optionalRoute = routeSchema.nullable().default(null)
/** A member of a JSON answer: `tokens.access`. */
const memberPattern = /^[\w-]{1,60}(?:\.[\w-]{1,60}){0,5}$/
const member = z.string().regex(memberPattern, 'names a member of an answer: tokens.access')
/** `GET /balance balance`: a route, and after it the member of its answer. */
const inWords = z.string().transform((words, context) => {
  const at = words.lastIndexOf(' ')
  const route = routeSchema.safeParse(words.slice(0, at))
  if (/^(?:[A-Z]+ )?\//.test(words) && route.success && memberPattern.test(words.slice(at + 1))) {
    return { request: route.data, member: words.slice(at + 1) }
  }
  context.addIssue({ code: 'custom', message: 'is spelled METHOD /path, and then a member of the answer' })
  return z.NEVER
})
const shownBy = z.union([inWords, z.strictObject({ request: routeSchema, member })])
const obtained = z.union([shownBy, text]).nullable().default(null)

const schema = z.strictObject({
  consent: z.boolean().default(false),
  /** As browsers see it, where that is not the address that is attacked. */
  origin: z
    .string()
    .refine(
      (value) => URL.canParse(value) && new URL(value).origin === value,
      'is an origin: https://shop.example',
    )
    .nullable()
    .default(null),
  account: z.strictObject({ name: text, password: text }).nullable().default(null),
  cookie: z.strictObject({ sign_in: routeSchema }).nullable().default(null),
  token: z
    .strictObject({
      sign_in: routeSchema,
      access: member.default('access_token'),
      refresh: member.nullable().default(null),
      refresh_by: optionalRoute,
      /** `forget`: there is no such route, the page only forgets its token. */
      sign_out: z
        .union([z.literal('forget'), routeSchema])
        .nullable()
        .default(null),
      keys: z.string().default('/.well-known/jwks.json'),
      /** A sign-in with a DPoP proof binds the tokens to its key (RFC 9449). */
      proof: z.boolean().default(false),
      expired: obtained,
      other_audience: obtained,
    })
    // The name that RFC 6749 section 5.1 gives it, as with access_token.
    .transform((token) => {
      const refresh = token.refresh ?? (token.refresh_by === null ? null : 'refresh_token')
      return { ...token, refresh }
    })
    .nullable()
    .default(null),
  who: optionalRoute,
  act: optionalRoute,
  effect: z
    .union([shownBy, routeSchema.transform((request) => ({ request, member: null }))])
    .nullable()
    .default(null),
  sign_out: optionalRoute,
  redirect: optionalRoute,
  socket: z
    .string()
    .regex(/^\/[\x21-\x7e]*$/)
    .nullable()
    .default(null),
  csrf: z
    .union([
      inWords.transform(({ request, member }) => ({ page: request, field: member })),
      z.strictObject({ page: routeSchema, field: z.string().min(1).max(100) }),
    ])
    .nullable()
    .default(null),
})

export type Description = z.infer<typeof schema>
export type Obtained = string | { request: Route; member: string }

/** What flags and files may say instead of what the target says; whole members replace whole members. */
export type Overrides = Readonly<Record<string, unknown>>

/** Throws with the member that is wrong, never with what it holds: that may be a password. */
export function parseDescription(given: unknown, overrides: Overrides = {}): Description {
  if (!isObject(given)) throw new Error('The description is no JSON object.')
  const merged = merge(given, overrides)
  const parsed = schema.safeParse(merged)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const unknown = issue?.code === 'unrecognized_keys' ? `: ${issue.keys.map(shown).join(', ')}` : ''
    const place = issue?.path.map((part) => shown(String(part))).join('.') ?? ''
    throw new Error(`The description is not understood at ${place === '' ? 'its top' : place}${unknown}.`)
  }
  return parsed.data
}

/** What a run cannot do without. */
export function missingFrom({ account, cookie, token, who }: Description): string | null {
  if (account === null) return `account (a test account: name and password; ${flagOf('account')})`
  if (cookie === null && token === null) {
    return `cookie.sign_in or token.sign_in (${flagOf('cookie.sign_in')}, ${flagOf('token.sign_in')})`
  }
  return who === null ? `who (a route that tells who is signed in; ${flagOf('who')})` : null
}

/** A name that the target chose, fit for a terminal. */
const shown = (name: string) => name.slice(0, 40).replace(/[^\x21-\x7e]/g, '?')

function merge(given: Readonly<Record<string, unknown>>, overrides: Overrides): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...given }
  for (const [name, value] of Object.entries(overrides)) {
    const before = merged[name]
    merged[name] = isObject(value) && isObject(before) ? { ...before, ...value } : value
  }
  return merged
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The member of a JSON answer, if it is a text. */
export function memberOf(body: string, path: string): string | null {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    return null
  }
  for (const name of path.split('.')) {
    if (!isObject(value) || !Object.hasOwn(value, name)) return null
    value = value[name]
  }
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value !== '' ? value : null
}
