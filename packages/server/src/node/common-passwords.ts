import { createRequire } from 'node:module'

let common: ReadonlySet<string> | null = null

/** Some 49,000 passwords, in lower case; a third of a megabyte that a server needs only when a password is chosen. */
export function systemCommonPasswords(): ReadonlySet<string> {
  if (common === null) {
    const list: typeof import('@zxcvbn-ts/language-common') = createRequire(import.meta.url)(
      '@zxcvbn-ts/language-common',
    )
    common = new Set(list.dictionary['passwords-common'])
  }
  return common
}
