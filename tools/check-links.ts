// Why: a reader follows links and opens folders; each link must lead somewhere, and each room must say what it is.
import { existsSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileLinks } from './markdown.ts'
import { conclude, filesUnder, filesWithin, isTest, type Problem, read, repositoryRoot } from './source.ts'

const server = 'packages/server/src'
const rooms =
  'feed limits mail accounts clients sessions tokens carriers grants passwords http db node cli attack test-kit'.split(
    ' ',
  )

function brokenLinks(root: string): Problem[] {
  const pages = filesUnder(root, ['']).filter((file) => file.endsWith('.md'))
  return pages.flatMap((file) =>
    fileLinks(read(root, file)).flatMap(({ line, target }) => {
      const path = join(root, target.startsWith('/') ? '' : dirname(file), target)
      if (!relative(root, path).startsWith('..') && existsSync(path)) return []
      return [{ file, line, message: `the link points at ${target}, and there is no such file` }]
    }),
  )
}

function silentRooms(root: string): Problem[] {
  const files = filesWithin(root, ['packages'])
  return rooms.flatMap((room) => {
    const folder = `${server}/${room}/`
    const lived = files.some((file) => file.startsWith(folder) && file.endsWith('.ts') && !isTest(file))
    if (!lived || files.includes(`${folder}README.md`)) return []
    return [
      {
        file: `${folder}README.md`,
        line: 1,
        message: 'write what the room owns, what not, and which attack it answers',
      },
    ]
  })
}

export function checkLinks(root: string): Problem[] {
  return [...brokenLinks(root), ...silentRooms(root)]
}

if (import.meta.main) conclude('links', checkLinks(repositoryRoot))
