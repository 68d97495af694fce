// Why: a readme is read in the checkout and in the package, and most of what it links to is in the checkout alone.
import { join, normalize } from 'node:path'

const fenced = /^(`{3,})[^\n]*\n[\s\S]*?^\1$/gm
const link = /\[([^\]]+)\]\((?![a-z]+:|#)([^)#\s]+)(?:#[^)\s]*)?\)/g

/** Where a link leads out of the package, which is all that is installed, it becomes the name of what it led to. */
export function publishedReadme(
  text: string,
  given: { folder: string; isThere: (path: string) => boolean },
): string {
  let named = false
  const plain = (prose: string) =>
    prose.replace(link, (whole, shown: string, target: string) => {
      // What lies beside the folder of this package, in the checkout, is not in it.
      if (!normalize(target).startsWith('..') && given.isThere(normalize(target))) return whole
      named = true
      const path = normalize(join(given.folder, target))
      return shown === path ? path : `${shown} (${path})`
    })
  const parts: string[] = []
  let end = 0
  for (const { index, 0: code } of text.matchAll(fenced)) {
    parts.push(plain(text.slice(end, index)), code)
    end = index + code.length
  }
  const made = [...parts, plain(text.slice(end))].join('')
  return named
    ? `${made}\nWhat is named here with its path, such as \`docs/http.md\`, lies in the repository.\n`
    : made
}
