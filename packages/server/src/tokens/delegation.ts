import { longestActorChain } from '@counterfoil/verifier'
import type { Policy } from '../policy.ts'

export type ExchangeRule = Policy['exchanges'][number]

/**
 * The rules of the policy, or an `Error` when the server starts: a token of the issuer may change an account, and the
 * built-in client proves nothing, so neither is ever handed on.
 */
export function checkedRules(
  rules: readonly ExchangeRule[],
  { issuer, builtIn }: { issuer: string; builtIn: string },
): readonly ExchangeRule[] {
  for (const { client, from, to } of rules) {
    if (client === builtIn)
      throw new Error(`The policy cannot be used: exchanges names "${builtIn}", which proves nothing`)
    if (from === issuer || to.includes(issuer))
      throw new Error('The policy cannot be used: exchanges names the issuer, whose tokens are not handed on')
  }
  return rules
}

/** The audiences of which a client may exchange tokens for one of `to`; empty where policy lets it do no such thing. */
export function sourcesOf(
  rules: readonly ExchangeRule[],
  { client, to }: { client: string; to: string },
): readonly string[] {
  return rules.filter((rule) => rule.client === client && rule.to.includes(to)).map(({ from }) => from)
}

/** The chain with one more before it; `null` where it would be too long, or name somebody twice: calls that go in a circle. */
export function extendChain(actors: readonly string[], client: string): readonly string[] | null {
  return actors.includes(client) || actors.length >= longestActorChain ? null : [client, ...actors]
}

/**
 * The words that the new token has; `null` where more was asked for than the token has and the client may have. Words never
 * become none, which would read like the whole account; and none never become words.
 */
export function narrowScope(given: {
  had: readonly string[]
  may: readonly string[]
  asked: readonly string[]
}): readonly string[] | null {
  const { had, may, asked } = given
  const left = had.filter((word) => may.includes(word))
  if (asked.some((word) => !left.includes(word)) || (had.length > 0 && left.length === 0)) return null
  return asked.length === 0 ? left : asked
}

export type Act = { sub: string; act?: Act }

/** A chain as a token tells it (RFC 8693 4.1): who acts now outside. `undefined` for none. */
export function actOf(actors: readonly string[]): Act | undefined {
  return actors.reduceRight<Act | undefined>(
    (act, sub) => (act === undefined ? { sub } : { sub, act }),
    undefined,
  )
}
