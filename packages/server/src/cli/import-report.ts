import { printDone } from './output.ts'

export type PasswordKind = 'kept' | 'none' | 'unknown'

export type Report = {
  read: number
  /** How many rows had each outcome. */
  outcomes: Record<string, number>
  /** Of the accounts that were imported. */
  passwords: Record<PasswordKind, number>
  /** The first few of each outcome that left somebody out, for the operator to look at. */
  examples: { outcome: string; email: string }[]
  add(outcome: string, password: PasswordKind, email: string | null): void
}

const examplesOfEach = 5
const shownLetters = 100

const sentences: Readonly<Record<string, string>> = {
  imported: 'imported',
  imported_unproven: 'imported without a password: the mailbox was never proven, a link to it begins',
  present: 'left alone: the address has an account here',
  unproven: 'left out: the mailbox was never proven (--unproven)',
  address_malformed: 'left out: no address that mail could be sent to',
  address_repeated: 'left out: another row has the same address',
  id_malformed: 'left out: the id is not 1 to 64 letters, digits, - or _',
  id_taken: 'left out: another account has the id',
}

export function createReport(): Report {
  const report: Report = {
    read: 0,
    outcomes: {},
    passwords: { kept: 0, none: 0, unknown: 0 },
    examples: [],
    add(outcome, password, email) {
      const count = (report.outcomes[outcome] ?? 0) + 1
      report.read += 1
      report.outcomes[outcome] = count
      if (outcome === 'imported') report.passwords[password] += 1
      const isExample = !outcome.startsWith('imported') && outcome !== 'present' && count <= examplesOfEach
      if (isExample) report.examples.push({ outcome, email: shown(email) })
    },
  }
  return report
}

export function printReport(
  report: Report,
  { isJson, isDryRun }: { isJson: boolean; isDryRun: boolean },
): void {
  const { read, outcomes, passwords, examples } = report
  const lines = [
    `${read} read`,
    ...Object.entries(outcomes).map(([outcome, count]) => `${count}  ${sentences[outcome] ?? outcome}`),
    `Of those imported with a proven mailbox, ${passwords.kept} keep their password; ${passwords.none} had none, and ${passwords.unknown} have one that cannot be checked here: a link to the mailbox begins.`,
    ...examples.map(({ outcome, email }) => `  ${outcome}  ${email}`),
    isDryRun ? 'Dry run: nothing was written.' : 'Done.',
  ]
  printDone(
    { dry_run: isDryRun, read, outcomes, passwords, examples },
    { json: isJson, text: lines.join('\n') },
  )
}

/** What strangers wrote goes to a terminal: no control characters, and no more than a line. */
function shown(email: string | null): string {
  return (email ?? '').replaceAll(/[^\x20-\x7e]/g, '?').slice(0, shownLetters)
}
