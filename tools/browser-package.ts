// Why: what browsers are given is compiled. The check of its size and the tests in a browser look at the very same
// files, each in a folder of its own, so that two that run at once do not take them from each other.
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { repositoryRoot } from './source.ts'

/** The modules of @counterfoil/browser as they lie in its `dist`, by file name. */
export async function compileBrowserPackage(root = repositoryRoot): Promise<Map<string, string>> {
  const folder = mkdtempSync(join(tmpdir(), 'counterfoil-browser-package-'))
  try {
    const compiler = join(repositoryRoot, 'node_modules/typescript/bin/tsc')
    const project = join(root, 'packages/browser/tsconfig.build.json')
    const options = ['-p', project, '--outDir', folder, '--sourceMap', 'false', '--inlineSources', 'false']
    await promisify(execFile)(process.execPath, [compiler, ...options])
    const names = readdirSync(folder).filter((name) => name.endsWith('.js'))
    return new Map(names.map((name) => [name, readFileSync(join(folder, name), 'utf8')]))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
