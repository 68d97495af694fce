// Why: in the checkout the sources run as they are; whoever installs the package gets JavaScript, for Node 20 and for
// what is not Node. Both come from one manifest: what it says of `./src/*.ts` is said of the compiled files in `dist`,
// and that folder is the package.
import { execFileSync } from 'node:child_process'
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

type Targets = string | { readonly [condition: string]: Targets }
type Manifest = {
  exports: Record<string, string>
  imports: Record<string, Targets>
  scripts?: unknown
}

/** `./src/name.ts` as it lies in `dist`. */
function compiled(target: Targets): Targets {
  if (typeof target === 'string') return target.replace(/^\.\/src\/(.+)\.ts$/, './$1.js')
  return Object.fromEntries(Object.entries(target).map(([condition, to]) => [condition, compiled(to)]))
}

function entry(target: string): Targets {
  return { types: target.replace(/^\.\/src\/(.+)\.ts$/, './$1.d.ts'), default: compiled(target) }
}

rmSync(here('dist'), { recursive: true, force: true })
const compiler = here('../../node_modules/typescript/bin/tsc')
execFileSync(process.execPath, [compiler, '-p', here('tsconfig.build.json')], { stdio: 'inherit' })

const { scripts: _, ...manifest }: Manifest = JSON.parse(readFileSync(here('package.json'), 'utf8'))
const mapped = <Found>(targets: Record<string, Found>, map: (target: Found) => Targets) =>
  Object.fromEntries(Object.entries(targets).map(([name, target]) => [name, map(target)]))
const written = {
  ...manifest,
  exports: mapped(manifest.exports, entry),
  imports: mapped(manifest.imports, compiled),
}
writeFileSync(here('dist/package.json'), `${JSON.stringify(written, null, 2)}\n`)
copyFileSync(here('README.md'), here('dist/README.md'))
copyFileSync(here('../../LICENSE'), here('dist/LICENSE'))
