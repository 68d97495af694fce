// Why: one command says whether the house is in order: types, lint, its own checks, then every test.
//   npm test                     everything, with PostgreSQL and a browser
//   npm run check                (--fast) types, lint, checks and the quick tests, on SQLite
//   npm test -- --only sessions  the test files whose path holds the word
//   npm test -- --tests-only     the tests alone
//   npm test -- --short          the tests alone, on SQLite, without a browser and whatever takes long
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { staleRuns } from '../lab/sim/code.ts'
import { compileBrowserPackage } from './browser-package.ts'
import { checkBenchmarks } from './check-benchmarks.ts'
import { checkBrowserSize } from './check-browser-size.ts'
import { checkDependencies } from './check-dependencies.ts'
import { checkOwnDocs } from './check-docs.ts'
import { checkDoors } from './check-doors.ts'
import { checkImports } from './check-imports.ts'
import { checkLinks } from './check-links.ts'
import { checkShown } from './check-shown.ts'
import { checkSite } from './check-site.ts'
import { checkSize } from './check-size.ts'
import { checkThreats } from './check-threats.ts'
import { startPostgres } from './postgres.ts'
import { closingLine, failureLines, fileLine, skipLines, unlistedSkips } from './report.ts'
import { describe, type Problem, repositoryRoot as root } from './source.ts'
import { type FileResult, runSuites, suiteFiles } from './suites.ts'

type Step = { name: string; work: () => Promise<string[]> }

const lowest = [24, 21]
const say = (line: string) => console.log(line)

function isTooOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [lowestMajor = 0, lowestMinor = 0] = lowest
  return major < lowestMajor || (major === lowestMajor && minor < lowestMinor)
}

/** Answers what the tool printed when it found fault. */
async function tool(name: string, options: string[]): Promise<string[]> {
  try {
    const path = join(root, 'node_modules/.bin', name)
    await promisify(execFile)(path, options, { cwd: root, maxBuffer: 64_000_000 })
    return []
  } catch (fault) {
    const { stdout = '', stderr = '' } = fault as { stdout?: string; stderr?: string }
    const printed = `${stdout}${stderr}`.trim()
    return [printed === '' ? String(fault) : printed]
  }
}

function check(name: string, problems: () => Problem[] | Promise<Problem[]>): Step {
  return { name, work: async () => (await problems()).map(describe) }
}

const steps: Step[] = [
  { name: 'types', work: () => tool('tsc', ['--noEmit', '-p', '.']) },
  { name: 'lint', work: () => tool('biome', ['check', '.']) },
  check('imports', () => checkImports(root)),
  check('doors', () => checkDoors(root)),
  check('size', () => checkSize(root)),
  check('browser size', async () => checkBrowserSize(await compileBrowserPackage())),
  check('dependencies', () => checkDependencies(root)),
  check('docs', () => checkOwnDocs()),
  check('shown code', () => checkShown(root)),
  check('benchmarks', () => checkBenchmarks(root)),
  check('links', () => checkLinks(root)),
  check('site', () => checkSite(root)),
  check('threats', () => checkThreats(root)),
]

async function runSteps(): Promise<string[]> {
  const failed: string[] = []
  for (const { name, work } of steps) {
    const startedAt = performance.now()
    const faults = await work().catch((fault: unknown) => [
      fault instanceof Error ? String(fault.stack) : String(fault),
    ])
    say(
      `${faults.length === 0 ? 'ok    ' : 'FAILED'} ${name}  ${Math.round(performance.now() - startedAt)} ms`,
    )
    for (const fault of faults) say(fault.replace(/^/gm, '    '))
    if (faults.length > 0) failed.push(name)
  }
  for (const line of staleRuns(root)) say(`note   ${line}`)
  return failed
}

async function runTests(chosen: {
  fast: boolean
  short: boolean
  only: string | null
}): Promise<FileResult[]> {
  const files = suiteFiles(root, chosen)
  say(`tests  ${files.length} files`)
  const given = process.env.COUNTERFOIL_TEST_POSTGRES ?? null
  const isSqlite = chosen.fast || chosen.short
  const postgres = isSqlite || given !== null || files.length === 0 ? null : await startPostgres()
  if (postgres !== null) process.env.COUNTERFOIL_TEST_POSTGRES = postgres.url
  if (isSqlite) delete process.env.COUNTERFOIL_TEST_POSTGRES
  try {
    return await runSuites({ root, files, onFile: (result) => say(fileLine(result)) })
  } finally {
    await postgres?.stop()
  }
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      fast: { type: 'boolean' },
      short: { type: 'boolean' },
      'tests-only': { type: 'boolean' },
      only: { type: 'string' },
    },
  })
  if (isTooOld(process.versions.node)) {
    console.error(`This needs Node ${lowest.join('.')} or newer; use "npm test", which brings its own.`)
    return 1
  }
  say(`Node ${process.versions.node}`)
  const { fast = false, short = false, only = null } = values
  const testsOnly = short || values['tests-only'] === true || only !== null
  const failed = testsOnly ? [] : await runSteps()
  const results = await runTests({ fast, short, only })
  const skips = results.flatMap((result) => result.skips)
  for (const line of [...results.flatMap(failureLines), '', ...skipLines(skips)]) say(line)
  if (results.every(({ passed, failures }) => passed + failures.length === 0)) failed.push('no test was run')
  if (process.env.CI === 'true') {
    const unlisted = unlistedSkips(skips)
    if (unlisted.length > 0) failed.push(`${unlisted.length} skips are not in tools/allowed-skips.ts`)
  }
  if (failed.length > 0) say(`failed outside the tests: ${failed.join(', ')}`)
  say(closingLine(results, failed))
  return failed.length > 0 || results.some(({ failures }) => failures.length > 0) ? 1 : 0
}

process.exit(await main())
