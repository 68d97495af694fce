/** What a description may hold, and the flag that says the same. docs/attack.md and docs/cli.md list both. */
const flags = {
  account: '--account and --password-file',
  'cookie.sign_in': '--sign-in',
  'token.sign_in': '--token-sign-in',
  'token.access': '--access-member',
  'token.refresh': '--refresh-member',
  'token.refresh_by': '--refresh',
  'token.keys': '--keys',
  'token.proof': '--proof',
  'token.expired': '--expired',
  'token.other_audience': '--other-audience',
  who: '--who',
  act: '--act',
  effect: '--effect',
  sign_out: '--sign-out',
  redirect: '--redirect',
  socket: '--socket',
  csrf: '--csrf',
} as const

export type Describable = keyof typeof flags

export const flagOf = (member: Describable): string => flags[member]

/** Why a check is skipped that the description leaves no way to run, and what would enable it. */
export const lacks = (...members: readonly Describable[]): string =>
  `the description has no ${members.map((member) => `${member} (${flags[member]})`).join(' and no ')}`
