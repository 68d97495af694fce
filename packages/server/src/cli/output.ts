/** A result for people as a table, or for programs as one JSON object. */
export function printRows(
  rows: readonly Record<string, unknown>[],
  given: { name: string; json: boolean; none: string },
): void {
  if (given.json) printJson({ [given.name]: rows })
  else if (rows.length === 0) console.log(given.none)
  else printTable(rows)
}

function printTable(rows: readonly Record<string, unknown>[]): void {
  const columns = Object.keys(rows[0] ?? {})
  const lines = [columns, ...rows.map((row) => columns.map((column) => show(row[column])))]
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => line[index]?.length ?? 0)))
  for (const line of lines)
    console.log(
      line
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    )
}

export function printDone(result: Record<string, unknown>, given: { json: boolean; text: string }): void {
  if (given.json) printJson(result)
  else console.log(given.text)
}

function printJson(value: unknown): void {
  console.log(JSON.stringify(value, null, 2))
}

function show(value: unknown): string {
  return value === null || value === undefined ? '-' : String(value)
}
