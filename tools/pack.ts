// Why: in the checkout the sources run as they are, but Node strips no types below node_modules. What a stranger installs
// is compiled: a folder made from the sources and their manifest, in which `./src/name.ts` has become `./name.js`, and what
// the doors stand on a few files in `chunks/`. The browser's package is for bundlers, so there every file stays one.
//   npm run pack               three tarballs in dist/
//   npm run build -w PACKAGE   its folder, in packages/NAME/dist
import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { compile, pruneDeclarations } from './compile.ts'
import { compiledIn, tellCompiledIn } from './compiled-in.ts'
import { publishedReadme } from './published-readme.ts'
import { filesUnder, repositoryRoot as root } from './source.ts'

export const packageFolders = ['verifier', 'browser', 'server'] as const
export type PackageFolder = (typeof packageFolders)[number]

type Targets = string | { readonly [condition: string]: Targets }
type TargetsByName = Readonly<Record<string, Targets>>
export type Manifest = {
  name: string
  version: string
  exports: TargetsByName
  imports?: TargetsByName
  dependencies?: Readonly<Record<string, string>>
  scripts?: unknown
  private?: unknown
}

/** What the oldest Node that each is for can run. */
const targets = { verifier: 'es2022', server: 'es2024' } as const

/** What only the checkout's own tests and lab may import. */
const inHouse = './house'
const source = /^\.\/src\/(.+)\.ts$/

function mapped(targets: Targets, map: (path: string) => Targets): Targets {
  if (typeof targets === 'string') return map(targets)
  return Object.fromEntries(Object.entries(targets).map(([name, target]) => [name, mapped(target, map)]))
}

const compiled = (path: string) => path.replace(source, './$1.js')

function entry(path: string): Targets {
  if (!source.test(path)) return path
  return { types: path.replace(source, './$1.d.ts'), default: compiled(path) }
}

/** The manifest of the checkout as it lies in the package. What is compiled into it is nothing to install. */
export function publishedManifest(manifest: Manifest, within: readonly string[] = []): object {
  const { scripts: _, private: __, dependencies, ...kept } = manifest
  const doors = Object.entries(manifest.exports).filter(([name]) => name !== inHouse)
  const installed = Object.entries(dependencies ?? {}).filter(([name]) => !within.includes(name))
  return {
    ...kept,
    exports: {
      ...Object.fromEntries(doors.map(([name, targets]) => [name, mapped(targets, entry)])),
      './package.json': './package.json',
    },
    ...(manifest.imports === undefined ? {} : { imports: mapped(manifest.imports, compiled) }),
    ...(dependencies === undefined ? {} : { dependencies: Object.fromEntries(installed) }),
  }
}

const leaves = (targets: Targets): string[] =>
  typeof targets === 'string' ? [targets] : Object.values(targets).flatMap(leaves)

/** The sources that others import, or Node by name, without their ending. */
function doorsOf({ exports, imports = {} }: Manifest): string[] {
  const { [inHouse]: _, ...doors } = exports
  return leaves({ ...doors, ...imports }).flatMap((path) => source.exec(path)?.[1] ?? [])
}

/** A worker and the files that are read lie beside whichever file looks for them: in a chunk, beside the chunks. */
const besideChunks = (file: string) => file.replace(/^(?:src\/)?[^/]+\//, 'chunks/')

async function emit(name: PackageFolder, { from, to }: { from: string; to: string }): Promise<Manifest> {
  const manifest: Manifest = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8'))
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  const options = [compiler, '-p', join(from, 'tsconfig.build.json'), '--outDir', to]
  await promisify(execFile)(process.execPath, options)
  if (name === 'browser') return manifest
  const doors = doorsOf(manifest)
  const files = filesUnder(from, ['src'])
  const workers = files.filter((file) => file.endsWith('-worker.ts')).map((file) => file.slice(4, -3))
  const meant = compiledIn[name]
  const found = await compile({
    ...{ from: join(from, 'src'), to, compiledIn: meant, target: targets[name] },
    entries: {
      ...Object.fromEntries(doors.map((path) => [path, `./${path}.ts`])),
      ...Object.fromEntries(workers.map((path) => [besideChunks(path), `./${path}.ts`])),
    },
  })
  tellCompiledIn({ modules: join(root, 'node_modules'), to, meant, found })
  pruneDeclarations(to, doors)
  return manifest
}

/** Makes the folder of one package as `npm pack` takes it. */
export async function stage(name: PackageFolder, to: string): Promise<void> {
  const from = join(root, 'packages', name)
  rmSync(to, { recursive: true, force: true })
  const manifest = await emit(name, { from, to })
  const folders = ['src', 'bin'].filter((folder) => existsSync(join(from, folder)))
  const asIs = filesUnder(from, folders).filter((file) => !/\.ts$|\.md$|\/testing\//.test(file))
  for (const file of asIs)
    cpSync(join(from, file), join(to, file.startsWith('src/') ? besideChunks(file) : file))
  const readme = readFileSync(join(from, 'README.md'), 'utf8')
  const isThere = (path: string) => existsSync(join(to, path))
  writeFileSync(join(to, 'README.md'), publishedReadme(readme, { folder: `packages/${name}`, isThere }))
  cpSync(join(root, 'LICENSE'), join(to, 'LICENSE'))
  const within = name === 'browser' ? [] : compiledIn[name]
  writeFileSync(join(to, 'package.json'), `${JSON.stringify(publishedManifest(manifest, within), null, 2)}\n`)
}

/** The tarball that `npm pack` makes of a staged folder. */
async function tarball(folder: string, to: string): Promise<string> {
  const options = ['pack', folder, '--json', '--ignore-scripts', '--pack-destination', to]
  const { stdout } = await promisify(execFile)('npm', options, { maxBuffer: 16_000_000 })
  const [made]: { filename: string }[] = JSON.parse(stdout)
  if (made === undefined) throw new Error(`npm packed nothing of ${folder}`)
  return join(to, made.filename)
}

/** The tarballs of all three packages, by the names of their folders. */
export async function packAll(to: string): Promise<Record<PackageFolder, string>> {
  mkdirSync(to, { recursive: true })
  const made = await Promise.all(
    packageFolders.map(async (name) => {
      const folder = join(to, name)
      await stage(name, folder)
      return [name, await tarball(folder, to)] as const
    }),
  )
  return Object.fromEntries(made) as Record<PackageFolder, string>
}

if (import.meta.main) {
  const given = packageFolders.find((name) => name === process.argv[2])
  if (given !== undefined) await stage(given, join(root, 'packages', given, 'dist'))
  else for (const path of Object.values(await packAll(join(root, 'dist')))) console.log(path)
}
