import { readRisks } from '../db/durability.ts'
import { pendingMigrations } from '../db/migrate.ts'
import { openDatabase } from '../db/open.ts'
import { createSmtpTransport } from '../node/smtp.ts'
import { parseIssuer } from '../options.ts'
import { checkKeys } from './key-check.ts'
import { printRows } from './output.ts'
import { type Flags, readPolicy, readSecret, readSettings, type Settings } from './settings.ts'
import { refuseMissing } from './workbench.ts'

type Finding = { check: string; verdict: 'ok' | 'wrong'; what: string }

/** Looks at everything that a start depends on and says what is wrong and what to do. Changes nothing. */
export async function doctor(flags: Flags): Promise<void> {
  const settings = readSettings(flags)
  const findings: Finding[] = []
  for (const [check, look] of checks) {
    findings.push(
      await look(settings).then(
        (what): Finding => ({ check, verdict: 'ok', what }),
        (error: unknown): Finding => ({
          check,
          verdict: 'wrong',
          what: error instanceof Error ? error.message : String(error),
        }),
      ),
    )
  }
  printRows(findings, { name: 'findings', json: flags.json ?? false, none: '' })
  if (findings.some(({ verdict }) => verdict === 'wrong')) process.exitCode = 1
}

const checks: readonly [string, (settings: Settings) => Promise<string>][] = [
  [
    'issuer',
    async ({ issuer }) =>
      issuer === null ? 'not set: development on localhost' : parseIssuer(issuer).origin,
  ],
  ['policy', lookAtPolicy],
  ['root secret', lookAtSecret],
  ['mail', lookAtMail],
  ['database', lookAtDatabase],
  ['durability', lookAtDurability],
  ['signing keys', lookAtKeys],
]

async function lookAtPolicy(settings: Settings): Promise<string> {
  readPolicy(settings)
  return 'understood'
}

async function lookAtSecret(settings: Settings): Promise<string> {
  readSecret(settings)
  return 'readable by its owner alone'
}

async function lookAtMail({ issuer, smtp, mailFrom }: Settings): Promise<string> {
  const isLocal = issuer === null || parseIssuer(issuer).isLocal
  if (smtp === null) {
    if (isLocal) return 'waits at /dev/mail (development)'
    throw new Error(
      'Set COUNTERFOIL_SMTP and COUNTERFOIL_MAIL_FROM: nobody can sign up or reset a password without mail.',
    )
  }
  if (mailFrom === null) throw new Error('Set COUNTERFOIL_MAIL_FROM to the address that mail comes from.')
  // What a start would refuse is found here. Nothing is sent, and no connection made.
  createSmtpTransport({ url: smtp, from: mailFrom }).close()
  return 'leaves by SMTP'
}

async function lookAtDatabase(settings: Settings): Promise<string> {
  refuseMissing(settings)
  const { db, engine, close } = await openDatabase(settings.database)
  const pending = await pendingMigrations(db).finally(close)
  if (pending.length > 0)
    throw new Error(`${pending.length} migration(s) behind. Run \`counterfoil migrate\`.`)
  return `${engine}, up to date`
}

async function lookAtDurability(settings: Settings): Promise<string> {
  refuseMissing(settings)
  const { db, engine, close } = await openDatabase(settings.database)
  const risks = await readRisks(db, engine).finally(close)
  if (risks.length > 0) throw new Error(`${risks.join('. ')}.`)
  return 'what is acknowledged is kept, as far as can be seen from here'
}

async function lookAtKeys(settings: Settings): Promise<string> {
  refuseMissing(settings)
  const { db, close } = await openDatabase(settings.database)
  const count = await checkKeys(db, readSecret(settings)).finally(close)
  return count === 0 ? 'none yet: made at the first start' : `${count}, and the root secret opens them`
}
