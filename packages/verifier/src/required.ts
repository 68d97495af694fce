import type { Caller } from './caller.ts'
import { Refusal, refuse, type VerifierRefusalCode, verifierRefusals } from './refusal.ts'

/** What a route wants of its caller, besides that there is one. */
export type Requirements = {
  /**
   * The account proved who it is no longer ago than this, in whole seconds. Nobody but the account itself can do that
   * again, so this holds whoever acts for it off as well.
   */
  readonly freshWithinSeconds?: number
  /** Scopes that the credential must name, separated by spaces. A cookie names none. */
  readonly scope?: string
  /**
   * Scopes that whoever acts for an account must have been given; the account itself needs none of them. A route that
   * names neither these nor `scope` is for people alone: however narrow a grant is, it would be the whole account there.
   */
  readonly actorScope?: string
  /** The account itself is asking: there is neither an actor nor a grant. */
  readonly present?: true
}

const names: ReadonlySet<string> = new Set<keyof Requirements>([
  'freshWithinSeconds',
  'scope',
  'actorScope',
  'present',
])
const scopePattern = /^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/

/**
 * The same requirements, or an `Error` at once, when a route is made: one that is misspelt or undefined would be one that
 * is not there.
 */
export function checkedRequirements(given: Requirements): Requirements {
  const { freshWithinSeconds, present } = given
  for (const name of Object.keys(given))
    if (!names.has(name)) throw new Error(`required(): there is no requirement "${name}"`)
  if (
    'freshWithinSeconds' in given &&
    !(Number.isFinite(freshWithinSeconds) && Number(freshWithinSeconds) > 0)
  )
    throw new Error('required(): freshWithinSeconds is a number of seconds above 0')
  for (const name of ['scope', 'actorScope'] as const)
    if (name in given && !isScope(given[name]))
      throw new Error(`required(): ${name} is one scope, or several with one space between (RFC 6749 3.3)`)
  if ('present' in given && present !== true) throw new Error('required(): present is true, or left out')
  return given
}

const isScope = (given: unknown) => typeof given === 'string' && scopePattern.test(given)

/**
 * The caller, if there is one and it is all that is required; `now`: whole seconds, asked where it matters. The refusals ask for what would
 * help: RFC 6750 3.1 for a scope, RFC 9470 3 for a fresh proof. Not checked: what the account may do here.
 */
export function demand(caller: Caller | null, requirements: Requirements, now: () => number): Caller {
  if (caller === null) refuse('credential_missing')
  const { freshWithinSeconds, scope, actorScope, present } = requirements
  const isPresent = caller.actor === null && caller.grant === null
  const isForActors = scope !== undefined || actorScope !== undefined
  const needsPresence = present !== undefined || freshWithinSeconds !== undefined || !isForActors
  if (needsPresence && !isPresent) refuse('presence_required', 'the caller acts for somebody')
  requireScopes(caller, scope)
  if (!isPresent) requireScopes(caller, actorScope)
  // Written so that what is not a number refuses.
  const isFresh = freshWithinSeconds === undefined || now() - caller.authenticated_at <= freshWithinSeconds
  if (!isFresh)
    refuseWith(
      'reauthentication_required',
      `error="insufficient_user_authentication", error_description="A more recent authentication is required", max_age="${freshWithinSeconds}"`,
    )
  return caller
}

function requireScopes({ scopes }: Caller, wanted: string | undefined): void {
  if (wanted !== undefined && !wanted.split(' ').every((one) => scopes.includes(one)))
    refuseWith('insufficient_scope', `error="insufficient_scope", scope="${wanted}"`)
}

function refuseWith(code: VerifierRefusalCode, challenge: string): never {
  throw new Refusal({ code, ...verifierRefusals[code], challenge })
}
