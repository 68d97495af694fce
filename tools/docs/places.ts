// Why: documents link to each other and to the code by paths of the repository. On the site each such link has to lead
// to a page of the site, so files of code that a document names become pages too.
import { existsSync, statSync } from 'node:fs'
import { extname, join, posix } from 'node:path'

export const listPage = 'all-pages.html'

/** Where a document or a file of code is on the site. */
export function pageOf(file: string): string {
  if (file.endsWith('/')) return `code/${file}index.html`
  if (!file.endsWith('.md')) return `code/${file}.html`
  return file.replace(/(?:^|(?<=\/))README\.md$/, 'index.md').replace(/\.md$/, '.html')
}

export const isPicture = (file: string) => ['.svg', '.png', '.jpg', '.webp'].includes(extname(file))

/** From one page of the site to another, so that the site works from any folder, without a server. */
export function between(from: string, to: string): string {
  return posix.relative(posix.dirname(from), to) || posix.basename(to)
}

export type Place =
  | { kind: 'elsewhere' }
  | { kind: 'page'; file: string; fragment: string }
  | { kind: 'code'; file: string; fragment: string }
  | { kind: 'picture'; file: string }

/** What a target in a document means. Throws where it means nothing. */
export function placeOf(root: string, { file, target }: { file: string; target: string }): Place {
  if (/^https:\/\//.test(target)) return { kind: 'elsewhere' }
  if (/^[a-z][a-z+.-]*:/i.test(target)) throw new Error(`links are relative or https, ${target} is neither`)
  const [path = '', fragment = ''] = target.split('#')
  const named = path === '' ? file : posix.normalize(posix.join(posix.dirname(file), decodeURI(path)))
  const full = join(root, named)
  if (named.startsWith('..') || !existsSync(full)) throw new Error(`there is nothing at ${target}`)
  const isFolder = statSync(full).isDirectory()
  if (isFolder && !existsSync(join(full, 'README.md')))
    return { kind: 'code', file: `${named.replace(/\/$/, '')}/`, fragment: '' }
  const found = isFolder ? posix.join(named, 'README.md') : named
  if (found.endsWith('.md')) return { kind: 'page', file: found, fragment }
  return isPicture(found) ? { kind: 'picture', file: found } : { kind: 'code', file: found, fragment }
}
