import { answerChecks } from './answer-checks.ts'
import type { Check } from './check.ts'
import { cookieChecks } from './cookie-checks.ts'
import { endingChecks } from './ending-checks.ts'
import { forgedChecks } from './forged-checks.ts'
import { parsingChecks } from './parsing-checks.ts'
import { proofChecks } from './proof-checks.ts'
import { signInChecks } from './sign-in-checks.ts'
import { tokenChecks } from './token-checks.ts'
import { tokenUseChecks } from './token-use-checks.ts'

/** Every check, in the order in which they run: what may lock the account out comes last. */
export const checks: readonly Check[] = [
  ...cookieChecks,
  ...parsingChecks,
  ...answerChecks,
  ...tokenChecks,
  ...tokenUseChecks,
  ...proofChecks,
  ...forgedChecks,
  ...endingChecks,
  ...signInChecks,
]
