// Why: a program that starts pays for each module by itself: it is looked for, opened and compiled before the next one is
// known. Hundreds of small files are right for whoever reads them and wrong for whoever waits, so a package holds a few.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { build, type Plugin } from 'esbuild'
import { filesUnder } from './source.ts'

export type Compiling = {
  /** The folder of the package's sources. */
  from: string
  to: string
  /** Sources that are modules of their own in the package, by where they lie in it (without `.js`). */
  entries: Readonly<Record<string, string>>
  /** Of others' packages, what goes into the chunks; all else stays an import. */
  compiledIn: readonly string[]
  target: string
}

/** The package that an import names: `@a/b/c` is of `@a/b`. */
const packageOf = (path: string) => path.split('/', path.startsWith('@') ? 2 : 1).join('/')

function leaving(compiledIn: readonly string[]): Plugin {
  return {
    name: 'leave what is not compiled in',
    setup({ onResolve }) {
      // `#name` is chosen by whoever runs the package, and `node:` and the others are where it runs.
      onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
        kind === 'entry-point' || compiledIn.includes(packageOf(path)) ? null : { path, external: true },
      )
    },
  }
}

/** A map names its sources as they would lie in the package, and not where they were when it was made. */
function placeSources(text: string, { from, file, to }: { from: string; file: string; to: string }): string {
  const map = JSON.parse(text) as { sources: string[] }
  const placed = (source: string) => {
    const path = join(dirname(file), source)
    const [, , others] = /^(.*\/)?(node_modules\/.*)$/.exec(path) ?? []
    return relative(
      dirname(file),
      others === undefined ? join(to, 'src', relative(from, path)) : join(to, others),
    )
  }
  return JSON.stringify({ ...map, sources: map.sources.map(placed) })
}

/**
 * Makes the modules of a package: one for each entry, and chunks of what several of them need or what is needed later.
 * Nothing is renamed or made short, and each has a map with its sources. Answers the packages that were compiled in.
 */
export async function compile({ from, to, entries, compiledIn, target }: Compiling): Promise<string[]> {
  const { metafile, outputFiles } = await build({
    ...{ absWorkingDir: from, entryPoints: { ...entries }, outdir: to, chunkNames: 'chunks/[name]-[hash]' },
    ...{
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      target,
      metafile: true,
      write: false,
    },
    ...{ mainFields: ['module', 'main'], legalComments: 'none', sourcemap: 'linked', logLevel: 'warning' },
    plugins: [leaving(compiledIn)],
  })
  for (const { path: file, text } of outputFiles) {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, file.endsWith('.map') ? placeSources(text, { from, file, to }) : text)
  }
  const found = Object.keys(metafile.inputs).map(
    (path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1],
  )
  return [...new Set(found.filter((name) => name !== undefined))].sort()
}

/** Removes the declarations that no entry leads to: nobody can import what they describe. */
export function pruneDeclarations(folder: string, entries: readonly string[]): void {
  const reached = new Set<string>()
  const follow = (file: string): void => {
    if (reached.has(file) || !existsSync(join(folder, file))) return
    reached.add(file)
    const text = readFileSync(join(folder, file), 'utf8')
    for (const [, path = ''] of text.matchAll(/(?:from|import\() ?["'](\.[^"']+)\.[jt]s["']/g))
      follow(relative('', join(dirname(file), `${path}.d.ts`)))
  }
  for (const entry of entries) follow(`${entry}.d.ts`)
  for (const file of filesUnder(folder, ['']))
    if (file.endsWith('.d.ts') && !reached.has(file)) rmSync(join(folder, file))
}
