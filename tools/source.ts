// Why: every check reads the same tree the same way. Comments must not count as code, and a problem must name its line.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export type Problem = { file: string; line: number; message: string }

export const repositoryRoot = join(import.meta.dirname, '..')

const ignored = new Set(['node_modules', 'dist', 'data'])

/** All files under the folders given, as paths from the root with forward slashes, in a stable order. */
export function filesUnder(root: string, folders: readonly string[]): string[] {
  return folders.flatMap((folder) => {
    const entries = readdirSync(join(root, folder), { withFileTypes: true, recursive: false })
    return entries
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .filter((entry) => !ignored.has(entry.name) && !entry.name.startsWith('.'))
      .flatMap((entry) => {
        const path = folder === '' ? entry.name : `${folder}/${entry.name}`
        if (entry.isDirectory()) return filesUnder(root, [path])
        return entry.isFile() ? [path] : []
      })
  })
}

/** Like `filesUnder`, for folders that may not be there. */
export function filesWithin(root: string, folders: readonly string[]): string[] {
  const present = new Set(readdirSync(root))
  return filesUnder(
    root,
    folders.filter((folder) => present.has(folder)),
  )
}

export function read(root: string, file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

export function isCode(file: string): boolean {
  return /\.[cm]?[jt]s$/.test(file)
}

export function isTest(file: string): boolean {
  return /\.test\.ts$/.test(file) || file.split('/').includes('testing')
}

// A slash begins a pattern only where a value may begin; elsewhere it divides.
const pattern =
  /(?<=(?:^|[=(,:;!&|?{}[\]>+~]|\breturn|\bcase)\s*)\/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[dgimsuvy]*/
const quoted = /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\[\s\S]|[^`\\])*`/
const comment = /\/\/[^\n]*|\/\*[\s\S]*?\*\//
const tokens = new RegExp(`${comment.source}|${quoted.source}|${pattern.source}`, 'gm')

const blank = (text: string) => text.replace(/[^\n]/g, ' ')

/** The same text with comments blanked; every line and column stays where it was. */
export function withoutComments(text: string): string {
  return text.replace(tokens, (token) => (/^\/[/*]/.test(token) ? blank(token) : token))
}

/** Comments, strings and patterns blanked: what is left are the names the code itself uses. */
export function bareCode(text: string): string {
  return text.replace(tokens, blank)
}

export function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length
}

export function describe(problem: Problem): string {
  return `${problem.file}:${problem.line}  ${problem.message}`
}

/** For a check run by hand: prints what is wrong and sets the exit code. */
export function conclude(name: string, problems: readonly Problem[]): void {
  for (const problem of problems) console.error(describe(problem))
  console.log(`${name}: ${problems.length === 0 ? 'in order' : `${problems.length} problems`}`)
  if (problems.length > 0) process.exitCode = 1
}
