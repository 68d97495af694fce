import type { OutboxTable } from '../db/schema.ts'
import type { Letter } from '../machine.ts'
import type { Links } from './links.ts'
import { type MailKind as LetterKind, mailText } from './wording.ts'

/** `void` is a row where no mail goes out, so that a known and an unknown address cost the same statements. */
export type MailKind = LetterKind | 'void'

const letterKinds: readonly LetterKind[] = ['verify', 'account_exists', 'reset', 'password_changed']

/** Links start with the configured issuer and with nothing a request said: a forged Host would mail out our tokens. */
export function createWriter(given: { links: Links; issuer: string; linkSeconds: number }) {
  const { links, issuer, linkSeconds } = given
  const serviceName = new URL(issuer).host
  const minutes = Math.max(1, Math.floor(linkSeconds / 60))

  const linkOf = (kind: LetterKind, linkId: string | null): string => {
    if (kind === 'account_exists') return `${issuer}/sign-in`
    if (kind === 'password_changed') return `${issuer}/forgot`
    if (linkId === null) throw new Error(`A mail of kind ${kind} needs the id of what its link opens.`)
    return `${issuer}/${kind}?token=${links.linkToken(kind, linkId)}`
  }

  return (row: OutboxTable): Letter => {
    const kind = letterKinds.find((known) => known === row.kind)
    if (kind === undefined) throw new Error(`The outbox holds a mail of unknown kind ${row.kind}.`)
    const link = linkOf(kind, row.link_id)
    return { to: row.recipient, ...mailText(kind, { email: row.recipient, link, minutes, serviceName }) }
  }
}
