import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export type Framework = 'express' | 'fastify' | 'hono' | 'next' | 'node' | 'page'

/** `isModule`: it imports, and does not require. `isDone`: it knows of us already. */
export type Program = { readonly path: string; readonly isModule: boolean; readonly isDone: boolean }

/** What can be seen of an application from its folder. */
export type Project = {
  /** `page`: a single-page application without a server of its own. */
  readonly framework: Framework
  /** Of files that are modules whatever the project says: `ts`, `mts`, `js` or `mjs`. */
  readonly extension: string
  /** How one of its files names another. */
  readonly importExtension: string
  /** Where its sources are: `src/`, or nothing. */
  readonly sources: string
  /** A program that is there, which is not ours to change. */
  readonly program: Program | null
  /** What the program of this framework needs and the project does not have. */
  readonly missing: readonly string[]
  /** It has pages that run in a browser. */
  readonly hasPages: boolean
  /** It has the client for them. */
  readonly hasClient: boolean
}

type Manifest = {
  type?: unknown
  main?: unknown
  dependencies?: Record<string, unknown>
  devDependencies?: Record<string, unknown>
}

const servers = ['next', 'fastify', 'express', 'hono'] as const
const pages = ['react', 'vue', 'svelte', 'preact', 'solid-js', '@angular/core', 'vite']
const programs = ['server', 'app', 'index', 'main'].flatMap((name) =>
  ['', 'src/'].flatMap((folder) =>
    ['ts', 'mts', 'js', 'mjs', 'cjs'].map((extension) => `${folder}${name}.${extension}`),
  ),
)

/** The application in a folder that counts counterfoil among its dependencies; `null` where there is none. */
export function readProject(folder: string): Project | null {
  const manifest = readManifest(folder)
  const has = (name: string) =>
    name in (manifest?.dependencies ?? {}) || name in (manifest?.devDependencies ?? {})
  if (manifest === null || !has('counterfoil')) return null
  const isThere = (path: string) => existsSync(join(folder, path))
  const hasPages = pages.some(has)
  const framework = servers.find(has) ?? (hasPages ? 'page' : 'node')
  const main = typeof manifest.main === 'string' && isThere(manifest.main) ? manifest.main : null
  const isTypeScript = isThere('tsconfig.json') || has('typescript')
  const letters = isTypeScript ? 'ts' : 'js'
  const isModule = manifest.type === 'module'
  const extension = isModule ? letters : `m${letters}`
  return {
    framework,
    extension,
    importExtension: isTypeScript && !importsSources(folder) ? extension.replace('ts', 'js') : extension,
    sources: isThere('src') ? 'src/' : '',
    program: readProgram(folder, main ?? programs.find(isThere) ?? null),
    missing: framework === 'hono' && !has('@hono/node-server') ? ['@hono/node-server'] : [],
    hasPages,
    hasClient: has('@counterfoil/browser'),
  }
}

/** A package.json that is there but not ours to add to: it says nothing of counterfoil. */
export function isStranger(folder: string): boolean {
  return readManifest(folder) !== null && readProject(folder) === null
}

function readManifest(folder: string): Manifest | null {
  const path = join(folder, 'package.json')
  if (!existsSync(path)) return null
  try {
    const found: unknown = JSON.parse(readFileSync(path, 'utf8'))
    return typeof found === 'object' && found !== null ? found : null
  } catch (cause) {
    throw new Error(`${path} is not JSON. Mend it, then run \`counterfoil init\` again.`, { cause })
  }
}

function readProgram(folder: string, path: string | null): Program | null {
  if (path === null) return null
  const text = readFileSync(join(folder, path), 'utf8')
  return {
    path,
    isModule: !/\brequire\(/.test(text),
    isDone: /['"]\.\/auth(?:\.\w+)?['"]|['"]counterfoil/.test(text),
  }
}

/** Whether files of the project are imported as they lie there, which Node does and compilers must be told. */
function importsSources(folder: string): boolean {
  const path = join(folder, 'tsconfig.json')
  if (!existsSync(path)) return true
  return /"(?:allowImportingTsExtensions|rewriteRelativeImportExtensions)"\s*:\s*true/.test(
    readFileSync(path, 'utf8'),
  )
}
