import * as z from 'zod'

const minute = 60
const hour = 60 * minute
const day = 24 * hour

const seconds = (low: number, high: number, fallback: number) => z.int().min(low).max(high).default(fallback)

const isOrigin = (value: string) => URL.canParse(value) && new URL(value).origin === value

/** As the URL parser writes it; an origin may stand without its final slash. */
const isNormal = (value: string) => isOrigin(value) || (URL.canParse(value) && new URL(value).href === value)

/** A bare origin: scheme, host, port. No path, never "null", and no wildcard, which a URL would take for a name. */
const origin = z.string().refine((value) => /^https?:\/\/[^*]+$/.test(value) && isOrigin(value), {
  message: 'must be a bare origin such as https://app.example, without a path or a final slash',
})

/** RFC 8707 2: an absolute URI without a fragment. Compared as text, so only its normal spelling is taken. */
const audience = z.string().refine((value) => /^[a-z][a-z0-9+.-]*:[^#*\s]+$/.test(value) && isNormal(value), {
  message: 'must be an absolute URI in its normal spelling, such as https://api.example, without a fragment',
})

/** A header of a proxy's own making: none that browsers or we give a meaning to. */
const proxyHeader = z.string().regex(/^x-[a-z0-9]+(?:-[a-z0-9]+)*$/, {
  message: 'must be the name of a header in lower case that begins with x-, such as x-original-method',
})

const forward = z
  .strictObject({ method: proxyHeader, url: proxyHeader })
  .refine(({ method, url }) => method !== url, { message: 'method and url are two headers' })

/** Which client may hand on what is made for `from`, which is the client itself as others call it, and to whom. */
const exchange = z
  .strictObject({ client: z.string().min(1).max(256), from: audience, to: z.array(audience).min(1) })
  .refine(({ from, to }) => !to.includes(from), { message: 'from and to are different audiences' })

/** Every setting that is not about where the server runs. docs/policy.md explains each; a tool compares the two. */
const settings = z.strictObject({
  accessTokenSeconds: seconds(minute, 5 * minute, 5 * minute),
  accessTokenAlgorithm: z.enum(['ES256', 'Ed25519', 'RS256']).default('ES256'),
  sessionIdleSeconds: seconds(5 * minute, 90 * day, 14 * day),
  sessionAbsoluteSeconds: seconds(10 * minute, 400 * day, 30 * day),
  sessionsPerAccount: z.int().min(1).max(1000).default(100),
  refreshRepeatSeconds: seconds(0, 2 * minute, 30),
  refreshRepeats: z.int().min(1).max(20).default(5),
  keyRotationSeconds: seconds(day, 400 * day, 90 * day),
  keyPublishSeconds: seconds(hour, 30 * day, day),
  verifiedEmail: z.enum(['required', 'optional']).default('required'),
  passwordMinimum: z.int().min(8).max(128).default(15),
  mailLinkSeconds: seconds(minute, hour, 15 * minute),
  attemptsPerAccount: z.int().min(1).max(100).default(10),
  attemptIntervalSeconds: seconds(1, hour, minute),
  attemptsPerNetwork: z.int().min(1).max(100_000).default(100),
  signUpsPerNetwork: z.int().min(1).max(100_000).default(60),
  mailsPerAddress: z.int().min(1).max(100).default(5),
  eventSeconds: seconds(day, 3650 * day, 400 * day),
  hashingQueue: z.int().min(1).max(10_000).default(100),
  origins: z.array(origin).default([]),
  audiences: z.array(audience).default([]),
  scopes: z
    .record(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/), z.string().min(1).max(200))
    .default({}),
  grantSeconds: seconds(minute, 90 * day, 90 * day),
  grantsPerAccount: z.int().min(1).max(1000).default(100),
  statusListAudiences: z.array(audience).default([]),
  exchanges: z.array(exchange).default([]),
  forward: forward.nullable().default(null),
  trustedHops: z.int().min(0).max(10).default(0),
})

const namedIn = (exchanges: readonly { from: string; to: readonly string[] }[]): string[] =>
  exchanges.flatMap(({ from, to }) => [from, ...to])

export const policySchema = settings
  .refine(
    ({ audiences, statusListAudiences }) => statusListAudiences.every((one) => audiences.includes(one)),
    { path: ['statusListAudiences'], message: 'names an audience that audiences does not name' },
  )
  .refine(({ audiences, exchanges }) => namedIn(exchanges).every((one) => audiences.includes(one)), {
    path: ['exchanges'],
    message: 'names an audience that audiences does not name',
  })
  // Who reads a list has the session's place in it, and hears of no end of a client that handed a token on.
  .refine(
    ({ statusListAudiences, exchanges }) =>
      !namedIn(exchanges).some((one) => statusListAudiences.includes(one)),
    { path: ['exchanges'], message: 'names an audience that does not follow the feed (statusListAudiences)' },
  )

export type Policy = Readonly<z.infer<typeof policySchema>>

/**
 * Reads a policy. Unknown keys and values out of bounds throw an `Error` that names the setting:
 * a server with a misread policy must not start.
 */
export function parsePolicy(given: unknown): Policy {
  const parsed = policySchema.safeParse(given ?? {}, { jitless: true })
  if (parsed.success) return Object.freeze(parsed.data)
  const lines = parsed.error.issues.map((issue) => `  ${issue.path.join('.') || 'policy'}: ${issue.message}`)
  throw new Error(
    `The policy cannot be used:\n${lines.join('\n')}\nEvery setting is described in docs/policy.md.`,
  )
}
