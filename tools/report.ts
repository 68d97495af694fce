// Why: a run is read by people in a hurry: one line a file, every failure in full, every skip with its reason, and a
// last line that says it all.
import { type AllowedSkip, allowedSkips } from './allowed-skips.ts'
import type { FileResult, Skip } from './suites.ts'

const indent = (text: string) => text.trimEnd().replace(/^/gm, '    ')

export function fileLine({ file, passed, failures, skips, milliseconds }: FileResult): string {
  const state = failures.length > 0 ? 'FAILED' : 'ok    '
  const count = passed + failures.length + skips.length
  const skipped = skips.length > 0 ? `, ${skips.length} skipped` : ''
  return `  ${state} ${file}  ${count} tests${skipped}  ${milliseconds} ms`
}

export function failureLines({ failures, output }: FileResult): string[] {
  if (failures.length === 0) return []
  const lines = failures.flatMap(({ file, name, text }) => ['', `FAILED ${file}`, `  ${name}`, indent(text)])
  return output.trim() === '' ? lines : [...lines, '  what the file printed:', indent(output)]
}

export function skipLines(skips: readonly Skip[]): string[] {
  return skips.map(({ file, name, reason }) => `  skipped ${file}: ${name} (${reason})`)
}

export function unlistedSkips(
  skips: readonly Skip[],
  allowed: readonly AllowedSkip[] = allowedSkips,
): Skip[] {
  return skips.filter((skip) => !allowed.some(({ reason }) => reason.test(skip.reason)))
}

/** The closing line. A step that failed counts as a failure, so the line never looks better than the exit code. */
export function closingLine(results: readonly FileResult[], failedSteps: readonly string[]): string {
  const sum = (count: (result: FileResult) => number) =>
    results.reduce((all, result) => all + count(result), 0)
  const failed = sum(({ failures }) => failures.length) + failedSteps.length
  return `${sum(({ passed }) => passed)} passed, ${failed} failed, ${sum(({ skips }) => skips.length)} skipped`
}
