// Why: every runtime dependency is code that a stranger trusts with passwords. Each needs a reason that is written
// down, must be used, must be pinned, and must run nothing when it is installed.
import { compiledIn } from './compiled-in.ts'
import { codeIn, tableRows } from './markdown.ts'
import { conclude, filesUnder, isTest, type Problem, read, repositoryRoot } from './source.ts'

const page = 'docs/dependencies.md'
const bare = ['packages/verifier/package.json', 'packages/browser/package.json']
const ours = 'packages/server/package.json'

type Manifest = { dependencies?: Record<string, string>; license?: string }
type Locked = Manifest & { hasInstallScript?: boolean; link?: boolean; resolved?: string }
type Packages = Record<string, Locked>

const parse = (root: string, file: string): Manifest => JSON.parse(read(root, file))

/** Where the lockfile has a dependency: beside who asks for it, or in a folder further up. */
function placeOf(packages: Packages, { from, name }: { from: string; name: string }): string | null {
  for (let folder = from; ; folder = folder.replace(/(?:^|\/)(?:node_modules\/)?(?:@[^/]+\/)?[^/]+$/, '')) {
    const place = folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`
    if (place in packages) return place
    if (folder === '') return null
  }
}

/** Everything that comes with a package, however far down. */
function tree(packages: Packages, from: string, found = new Set<string>()): Set<string> {
  const { dependencies = {} } = packages[from] ?? {}
  for (const name of Object.keys(dependencies)) {
    const place = placeOf(packages, { from, name })
    if (place === null || found.has(place)) continue
    found.add(place)
    const { link, resolved } = packages[place] ?? {}
    tree(packages, link === true && resolved !== undefined ? resolved : place, found)
  }
  return found
}

/** How a dependency reaches whoever installs the server, as the page has to say it. */
const wayOf = (name: string, within: readonly string[]) =>
  within.includes(name) ? 'compiled in' : 'installed'

export function checkDependencies(root: string, within: readonly string[] = compiledIn.server): Problem[] {
  const problems: Problem[] = []
  const say = (file: string, message: string, line = 1) => problems.push({ file, line, message })
  for (const file of bare) {
    const { dependencies = {} } = parse(root, file)
    if (Object.keys(dependencies).length > 0) say(file, 'this package has no dependencies: do without')
  }
  const { dependencies = {} } = parse(root, ours)
  const { packages }: { packages: Packages } = JSON.parse(read(root, 'package-lock.json'))
  const files = filesUnder(root, ['packages/server/src']).filter((file) => !isTest(file))
  const code = files.map((file) => read(root, file)).join('\n')
  const rows = new Map(tableRows(read(root, page)).map((row) => [codeIn(row.cells[0] ?? ''), row]))
  for (const [name, version] of Object.entries(dependencies)) {
    const row = rows.get(name)
    const [, licence, way, use, reason] = row?.cells ?? []
    if (row === undefined) say(page, `add a row for \`${name}\`: what for, and why not by ourselves`)
    else if (!use || !reason) say(page, `\`${name}\` needs a reason`, row.line)
    const place = placeOf(packages, { from: 'packages/server', name })
    const locked = packages[place ?? '']
    const { license } = locked?.link === true ? (packages[locked.resolved ?? ''] ?? {}) : (locked ?? {})
    if (row !== undefined && licence !== license)
      say(page, `the licence of \`${name}\` is ${license}, not ${licence}`, row.line)
    if (row !== undefined && way !== wayOf(name, within))
      say(page, `\`${name}\` comes ${wayOf(name, within)}, not ${way}`, row.line)
    if (!/^\d+\.\d+\.\d+$/.test(version)) say(ours, `pin ${name} to one version, not ${version}`)
    if (!new RegExp(`['"]${name}(?:/[^'"]*)?['"]`).test(code))
      say(ours, `nothing imports ${name}: take it out`)
  }
  for (const [name, row] of rows)
    if (name !== null && !(name in dependencies))
      say(page, `the server does not depend on \`${name}\`: take the row out`, row.line)
  for (const place of tree(packages, 'packages/server'))
    if (packages[place]?.hasInstallScript === true)
      say('package-lock.json', `${place} runs a script when it is installed`)
  return problems
}

if (import.meta.main) conclude('dependencies', checkDependencies(repositoryRoot))
