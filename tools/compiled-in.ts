// Why: what is compiled in is installed with us and seen by nobody's audit, so the package says it itself: in words, with
// each licence as it asks for, and in the form that scanners read (CycloneDX).
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * What a start has to load before it can answer, and is JavaScript alone. What is native, large and needed later, or the
 * choice of whoever runs the server stays a dependency.
 */
export const compiledIn = {
  verifier: [],
  server: ['@hono/node-server', 'bowser', 'hono', 'kysely', 'zod'],
} as const satisfies Readonly<Record<string, readonly string[]>>

type Component = { name: string; version: string; license: string; text: string }

function componentOf(modules: string, name: string): Component {
  const folder = join(modules, name)
  const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Component
  const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one))
  if (file === undefined) throw new Error(`${name} has no licence that could go with it`)
  return { name, version, license, text: readFileSync(join(folder, file), 'utf8').trim() }
}

const page = (components: readonly Component[]) => `# Compiled in

These packages are part of the files in \`chunks/\`, unchanged but for what is not used. \`compiled-in.cdx.json\` lists them
for scanners.

${components.map(({ name, version, license, text }) => `## ${name} ${version} (${license})\n\n\`\`\`text\n${text}\n\`\`\`\n`).join('\n')}`

const bill = (components: readonly Component[]) => ({
  bomFormat: 'CycloneDX',
  specVersion: '1.6',
  version: 1,
  components: components.map(({ name, version, license }) => ({
    type: 'library',
    ...{ 'bom-ref': purlOf(name, version), name, version, purl: purlOf(name, version) },
    licenses: [{ license: { id: license } }],
  })),
})

const purlOf = (name: string, version: string) => `pkg:npm/${name.replace('@', '%40')}@${version}`

/** Writes both beside the modules. Throws where what was compiled in is not what was meant to be. */
export function tellCompiledIn(given: {
  modules: string
  to: string
  meant: readonly string[]
  found: readonly string[]
}): void {
  const { modules, to, meant, found } = given
  if (meant.join() !== found.join())
    throw new Error(`compiled in are ${found.join(', ') || 'none'}, not ${meant.join(', ') || 'none'}`)
  if (found.length === 0) return
  const components = found.map((name) => componentOf(modules, name))
  writeFileSync(join(to, 'COMPILED-IN.md'), page(components))
  writeFileSync(join(to, 'compiled-in.cdx.json'), `${JSON.stringify(bill(components), null, 2)}\n`)
}
