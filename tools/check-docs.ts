// Why: a document that has drifted from the code is worse than none, so refusals, settings, checks, events, commands
// and routes are compared both ways.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { cellUnder, codeIn, type Row, tableRows } from './markdown.ts'
import { conclude, type Problem, read, repositoryRoot } from './source.ts'

export type RouteName = { method: string; path: string }
type Expected = { name: string; value: string | null }
type Comparison = {
  file: string
  of: string
  from: string
  expected: Expected[]
  heading: string
  /** Only tables whose first heading is this. */
  first?: string
}

const server = 'packages/server/src'

async function exported(root: string, place: { file: string; name: string }): Promise<unknown> {
  const path = join(root, place.file)
  if (!existsSync(path)) return null
  const module: Record<string, unknown> = await import(pathToFileURL(path).href)
  return module[place.name] ?? null
}

function compare(root: string, { file, of, from, expected, heading, first }: Comparison): Problem[] {
  if (!existsSync(join(root, file))) {
    return [{ file, line: 1, message: `write it: a table with a row for every ${of} of ${from}` }]
  }
  const rows = new Map<string, Row>()
  const problems: Problem[] = []
  const known = new Map(expected.map(({ name, value }) => [name, value]))
  for (const row of tableRows(read(root, file))) {
    const name = codeIn(row.cells[0] ?? '')
    if (name === null || (first !== undefined && row.header[0] !== first)) continue
    const at = { file, line: row.line }
    const value = known.get(name)
    const given = cellUnder(row, { heading, otherwise: 1 })
    if (rows.has(name)) problems.push({ ...at, message: `\`${name}\` has a row already: keep one` })
    else if (value === undefined)
      problems.push({ ...at, message: `${from} has no ${of} \`${name}\`: take the row out` })
    else if (value !== null && (codeIn(given) ?? given) !== value) {
      problems.push({
        ...at,
        message: `the ${heading} of \`${name}\` is ${value}, not ${given || 'missing'}`,
      })
    }
    rows.set(name, row)
  }
  const absent = expected.filter(({ name }) => !rows.has(name))
  return [
    ...problems,
    ...absent.map(({ name }) => ({ file, line: 1, message: `add a row for the ${of} \`${name}\`` })),
  ]
}

async function refusalDocs(root: string): Promise<Problem[]> {
  const from = `${server}/refusals.ts`
  const table = (await exported(root, { file: from, name: 'refusals' })) as Record<
    string,
    { status: number }
  > | null
  if (table === null) return []
  const expected = Object.entries(table).map(([name, { status }]) => ({ name, value: String(status) }))
  return compare(root, { file: 'docs/errors.md', of: 'refusal', from, expected, heading: 'status' })
}

async function policyDocs(root: string): Promise<Problem[]> {
  const from = `${server}/policy.ts`
  const schema = (await exported(root, { file: from, name: 'policySchema' })) as {
    parse(given: unknown): object
  } | null
  if (schema === null) return []
  const plain = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))
  const expected = Object.entries(schema.parse({})).map(([name, value]) => ({ name, value: plain(value) }))
  return compare(root, { file: 'docs/policy.md', of: 'setting', from, expected, heading: 'default' })
}

async function attackDocs(root: string): Promise<Problem[]> {
  const from = `${server}/attack/catalogue.ts`
  const checks = (await exported(root, { file: from, name: 'checks' })) as
    | { id: string; severity: string }[]
    | null
  if (checks === null) return []
  const expected = checks.map(({ id, severity }) => ({ name: id, value: severity }))
  const place = { file: 'docs/attack.md', heading: 'severity', first: 'check' }
  return compare(root, { ...place, of: 'check', from, expected })
}

async function eventDocs(root: string): Promise<Problem[]> {
  const from = `${server}/events.ts`
  const kinds = (await exported(root, { file: from, name: 'eventKinds' })) as readonly string[] | null
  if (kinds === null) return []
  const expected = kinds.map((name) => ({ name, value: null }))
  return compare(root, { file: 'docs/events.md', of: 'event', from, expected, heading: '', first: 'event' })
}

type Command = {
  name(): string
  commands: readonly Command[]
  options: readonly { flags: string; long?: string }[]
  registeredArguments: readonly { name(): string; required: boolean }[]
}

/** Every command that does something, as one types it. */
function leaves(command: Command, path: readonly string[]): { typed: string; command: Command }[] {
  if (command.commands.length > 0)
    return command.commands.flatMap((child) => leaves(child, [...path, child.name()]))
  const given = command.registeredArguments.map((one) =>
    one.required ? `<${one.name()}>` : `[${one.name()}]`,
  )
  return [{ typed: [...path, ...given].join(' '), command }]
}

async function commandDocs(root: string): Promise<Problem[]> {
  const from = `${server}/cli/main.ts`
  const program = (await exported(root, { file: from, name: 'program' })) as (() => Command) | null
  if (program === null) return []
  const all = leaves(program(), [])
  const commands = all.map(({ typed, command }) => ({
    name: typed,
    value: command.options.map(({ long }) => long).join(' '),
  }))
  const flags = new Set(all.flatMap(({ command }) => command.options.map((option) => option.flags)))
  const file = 'docs/cli.md'
  return [
    ...compare(root, { file, of: 'command', from, expected: commands, heading: 'flags', first: 'command' }),
    ...compare(root, {
      ...{ file, of: 'flag', from, heading: '', first: 'flag' },
      expected: [...flags].map((name) => ({ name, value: null })),
    }),
  ]
}

function routeDocs(root: string, routes: readonly RouteName[]): Problem[] {
  const expected = routes.map(({ method, path }) => ({
    name: `${method.toUpperCase()} ${path}`,
    value: null,
  }))
  return compare(root, { file: 'docs/http.md', of: 'route', from: 'the route table', expected, heading: '' })
}

/** Without `routes` the route table is not looked at. */
export async function checkDocs(
  root: string,
  given: { routes?: readonly RouteName[] } = {},
): Promise<Problem[]> {
  const routes = given.routes === undefined ? [] : routeDocs(root, given.routes)
  return [
    ...(await refusalDocs(root)),
    ...(await policyDocs(root)),
    ...(await attackDocs(root)),
    ...(await eventDocs(root)),
    ...(await commandDocs(root)),
    ...routes,
  ]
}

/** This repository's own documents against the routes that its server really answers. */
export async function checkOwnDocs(): Promise<Problem[]> {
  const file = `${server}/testing/route-table.ts`
  const routeTable = (await exported(repositoryRoot, { file, name: 'routeTable' })) as
    | (() => Promise<RouteName[]>)
    | null
  const problems = await checkDocs(repositoryRoot, routeTable === null ? {} : { routes: await routeTable() })
  if (routeTable !== null) return problems
  return [
    ...problems,
    { file, line: 1, message: 'export routeTable(), so that docs/http.md can be compared' },
  ]
}

if (import.meta.main) {
  conclude('docs', await checkOwnDocs())
  process.exit()
}
