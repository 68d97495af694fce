// Why: a client that sits in every page of an application is paid for by every visitor, so its weight has a limit.
import { gzipSync } from 'node:zlib'
import { minify } from 'terser'
import { compileBrowserPackage } from './browser-package.ts'
import { conclude, type Problem } from './source.ts'

const limit = 5 * 1024
const door = 'index.js'

type Modules = ReadonlyMap<string, string>

const importing = /^(?:import|export) \{([^}]*)\} from '\.\/([^']+)';?$/gm
const exporting = /^export (?=(?:async )?(?:const|let|function|class) )/gm
const naming = /^(?:async )?(?:const|let|function|class) (\w+)/gm

function sourceOf(modules: Modules, name: string): string {
  const source = modules.get(name)
  if (source === undefined) throw new Error(`the browser package has no module ${name}`)
  return source
}

/** Whatever a module needs before itself, and each but once. */
function inOrder(modules: Modules, name: string, found: Set<string>): Set<string> {
  for (const [, , next = ''] of sourceOf(modules, name).matchAll(importing)) {
    if (!found.has(next)) inOrder(modules, next, found)
  }
  return found.add(name)
}

/** One module of all, as a bundler makes it. It takes no renaming: our modules use no name twice. */
function joined(modules: Modules): string {
  const given = [...sourceOf(modules, door).matchAll(importing)].map(([, names = '']) => names)
  const pieces = [...inOrder(modules, door, new Set())].map((name) =>
    sourceOf(modules, name).replaceAll(importing, '').replaceAll(exporting, ''),
  )
  const code = pieces.join('\n')
  const names = [...code.matchAll(naming)].map(([, name = '']) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw new Error(`two modules of the browser package call something ${twice}`)
  if (/^(?:import|export)\b/m.test(code)) throw new Error('an import or export that cannot be joined')
  return `${code}\nexport { ${given.join(', ')} }`
}

/** What a page loads, minified and gzipped, in bytes. */
export async function browserSize(modules: Modules): Promise<number> {
  const { code = '' } = await minify(joined(modules), { module: true, ecma: 2020, compress: { passes: 2 } })
  return gzipSync(code, { level: 9 }).byteLength
}

export async function checkBrowserSize(modules: Modules): Promise<Problem[]> {
  const size = await browserSize(modules)
  if (size <= limit) return []
  const message = `the browser client is ${size} bytes minified and gzipped, at most ${limit}: take something out`
  return [{ file: 'packages/browser/src/index.ts', line: 1, message }]
}

if (import.meta.main) {
  const modules = await compileBrowserPackage()
  console.log(`${await browserSize(modules)} bytes of ${limit}`)
  conclude('browser size', await checkBrowserSize(modules))
}
