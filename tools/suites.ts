// Why: every test file runs in its own process, two at a time, under a deadline, so a test that hangs or keeps the
// process alive is found and named instead of stopping everything after it.
import { run } from 'node:test'
import { inspect } from 'node:util'
import { filesWithin, read } from './source.ts'

export type Skip = { file: string; name: string; reason: string }
export type Failure = { file: string; name: string; text: string }
export type FileResult = {
  file: string
  passed: number
  failures: Failure[]
  skips: Skip[]
  milliseconds: number
  output: string
}

// Where a name has two addresses, one of which nobody listens at, a busy machine is given time for the right one.
const execArgv = ['--network-family-autoselection-attempt-timeout=20000']

type Chosen = { fast: boolean; short: boolean; only: string | null }
type Deadlines = { unitSeconds: number; longSeconds: number }

const isLong = (file: string) => /\.(?:browser|long)\.test\.ts$/.test(file)

// A unit test opens no database and starts no process: the quick run is for rules, the full one for everything.
const machinery =
  /\b(?:onEachEngine|onPostgres|openHouse|openDatabase|startServer|dataFolder|routeTable|runSuites|createTestAuth)\b/
const isUnit = (root: string, file: string) => !isLong(file) && !machinery.test(read(root, file))

// Of such a file nothing is left where there is no PostgreSQL, and a file without tests is a fault.
function needsPostgres(root: string, file: string): boolean {
  const text = read(root, file)
  return /\bonPostgres\(/.test(text) && !/\b(?:onEachEngine|onSqlite)\(/.test(text)
}

/** Long files first, so the two lanes end at about the same time. */
export function suiteFiles(root: string, { fast, short, only }: Chosen): string[] {
  const folders = fast ? ['packages', 'tools'] : ['packages', 'tools', 'lab', 'examples']
  const files = filesWithin(root, folders).filter((file) => file.endsWith('.test.ts'))
  const chosen = files.filter(
    (file) =>
      (only === null || file.includes(only)) &&
      (!fast || isUnit(root, file)) &&
      (!short || !(isLong(file) || needsPostgres(root, file))),
  )
  return [...chosen.filter(isLong), ...chosen.filter((file) => !isLong(file))]
}

const reasonOf = (mark: unknown) => (typeof mark === 'string' && mark !== '' ? mark : 'no reason given')

function textOf(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
  return typeof cause === 'string' ? cause : inspect(cause, { depth: 8 })
}

async function runFile(given: { root: string; file: string; seconds: number }): Promise<FileResult> {
  const { root, file, seconds } = given
  const path = `${root}/${file}`
  const startedAt = performance.now()
  const result: FileResult = { file, passed: 0, failures: [], skips: [], milliseconds: 0, output: '' }
  const fail = (name: string, text: string) => result.failures.push({ file, name, text })
  const deadline = AbortSignal.timeout(seconds * 1000)
  const options = { files: [path], cwd: root, concurrency: 1, execArgv, signal: deadline }
  for await (const { type, data } of run(options)) {
    if (type === 'test:stdout' || type === 'test:stderr') result.output += data.message
    if (type !== 'test:pass' && type !== 'test:fail') continue
    const { name, skip, todo, details } = data
    const mark = skip ?? todo
    if (name === path) {
      if (type === 'test:fail' && !deadline.aborted) fail('the file', textOf(details.error))
    } else if (mark !== undefined && mark !== false) {
      const reason = skip === undefined ? `todo: ${reasonOf(todo)}` : reasonOf(skip)
      result.skips.push({ file, name, reason })
    } else if (type === 'test:fail') {
      const { error } = details
      const inside = 'failureType' in error && error.failureType === 'subtestsFailed'
      if (!inside) fail(name, textOf(error))
    } else if (details.type !== 'suite') result.passed += 1
  }
  if (deadline.aborted) fail('the file', `did not end within ${seconds} seconds; something in it never stops`)
  if (result.passed + result.failures.length + result.skips.length === 0) fail('the file', 'holds no tests')
  result.milliseconds = Math.round(performance.now() - startedAt)
  return result
}

/** Runs the files two at a time; `onFile` hears of each as it ends. */
export async function runSuites(given: {
  root: string
  files: readonly string[]
  onFile: (result: FileResult) => void
  deadlines?: Deadlines
}): Promise<FileResult[]> {
  const { unitSeconds, longSeconds } = given.deadlines ?? { unitSeconds: 300, longSeconds: 900 }
  const waiting = [...given.files]
  const results: FileResult[] = []
  const lane = async () => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const seconds = isLong(file) ? longSeconds : unitSeconds
      const result = await runFile({ root: given.root, file, seconds })
      results.push(result)
      given.onFile(result)
    }
  }
  await Promise.all([lane(), lane()])
  return results
}
