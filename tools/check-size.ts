// Why: a file that fits a head is reviewed, and a name that says nothing collects everything.
import {
  bareCode,
  conclude,
  filesWithin,
  isCode,
  lineAt,
  type Problem,
  read,
  repositoryRoot,
} from './source.ts'

const limit = 300
const testLimit = 500
const names = new Set([
  'utils',
  'util',
  'helpers',
  'helper',
  'common',
  'shared',
  'misc',
  'types',
  'manager',
  'service',
])

export function checkSize(root: string): Problem[] {
  const files = filesWithin(root, ['packages', 'lab', 'tools', 'examples'])
  return files.filter(isCode).flatMap((file) => {
    const text = read(root, file)
    const code = bareCode(text)
    const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0)
    const allowed = /\.test\.[cm]?[jt]s$/.test(file) ? testLimit : limit
    const problems: Problem[] = []
    if (lines > allowed) {
      problems.push({
        file,
        line: allowed + 1,
        message: `${lines} lines, at most ${allowed}: split it by concept`,
      })
    }
    for (const part of file
      .split('/')
      .slice(1)
      .map((segment) => segment.replace(/\..*$/, ''))) {
      if (!names.has(part)) continue
      problems.push({ file, line: 1, message: `"${part}" says nothing: name it after the thing it holds` })
    }
    // Next.js asks for a default there.
    if (file.endsWith('/next.config.ts')) return problems
    for (const { index } of code.matchAll(/\bexport\s+default\b|\bexport\s*\{[^}]*\bas\s+default\b/g)) {
      problems.push({
        file,
        line: lineAt(code, index),
        message: 'export it by name: a default has a different name in every file',
      })
    }
    return problems
  })
}

if (import.meta.main) conclude('size', checkSize(repositoryRoot))
