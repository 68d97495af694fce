// Why: in the checkout the sources run as they are, but Node strips no types below node_modules. What a stranger installs
// is compiled: a folder made from the sources and their manifest, in which `./src/name.ts` has become `./name.js`.
//   npm run pack               three tarballs in dist/
//   npm run build -w PACKAGE   its folder, in packages/NAME/dist
import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
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
  scripts?: unknown
  private?: unknown
}

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

/** The manifest of the checkout as it lies in the package. */
export function publishedManifest(manifest: Manifest): object {
  const { scripts: _, private: __, ...kept } = manifest
  const doors = Object.entries(manifest.exports).filter(([name]) => name !== inHouse)
  return {
    ...kept,
    exports: {
      ...Object.fromEntries(doors.map(([name, targets]) => [name, mapped(targets, entry)])),
      './package.json': './package.json',
    },
    ...(manifest.imports === undefined ? {} : { imports: mapped(manifest.imports, compiled) }),
  }
}

/** Makes the folder of one package as `npm pack` takes it. */
export async function stage(name: PackageFolder, to: string): Promise<void> {
  const from = join(root, 'packages', name)
  rmSync(to, { recursive: true, force: true })
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  const options = [compiler, '-p', join(from, 'tsconfig.build.json'), '--outDir', to]
  await promisify(execFile)(process.execPath, options)
  const asIs = filesUnder(
    from,
    ['src', 'bin'].filter((folder) => existsSync(join(from, folder))),
  ).filter((file) => !/\.ts$|\.md$|\/testing\//.test(file))
  for (const file of asIs) cpSync(join(from, file), join(to, file.replace(/^src\//, '')))
  cpSync(join(from, 'README.md'), join(to, 'README.md'))
  cpSync(join(root, 'LICENSE'), join(to, 'LICENSE'))
  const manifest: Manifest = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8'))
  writeFileSync(join(to, 'package.json'), `${JSON.stringify(publishedManifest(manifest), null, 2)}\n`)
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
