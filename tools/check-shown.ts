// Why: code in a document is copied by everyone who reads it, and goes stale unseen. A block below
// `<!-- from path/of/file -->` is that file, or a part of it in one piece; the file is one that a test runs.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { conclude, filesUnder, lineAt, type Problem, read, repositoryRoot } from './source.ts'

const shown = /^<!-- from (\S+) -->\n+(?:(`{3,})[^\n]*\n([\s\S]*?)^\2$)?/gm

export function checkShown(root: string): Problem[] {
  const pages = filesUnder(root, ['']).filter((page) => page.endsWith('.md'))
  return pages.flatMap((page) => {
    const text = read(root, page)
    return [...text.matchAll(shown)].flatMap(({ index, 1: file = '', 3: block }) => {
      const at = { file: page, line: lineAt(text, index) }
      if (block === undefined) return [{ ...at, message: `put the block of ${file} right below this` }]
      if (!existsSync(join(root, file))) return [{ ...at, message: `there is no ${file}` }]
      // Whole lines: half a line would be another statement.
      if (block !== '' && `\n${read(root, file)}`.includes(`\n${block}`)) return []
      return [{ ...at, message: `this is not what ${file} says: copy it anew` }]
    })
  })
}

if (import.meta.main) conclude('shown code', checkShown(repositoryRoot))
