// Why: the house stays readable only while every arrow points down. This finds the arrows; floor-plan.ts judges them.
import { arrowRule, folderOf, isEdgeFile, level, server } from './floor-plan.ts'
import {
  bareCode,
  conclude,
  filesWithin,
  isCode,
  isTest,
  lineAt,
  type Problem,
  read,
  repositoryRoot,
  withoutComments,
} from './source.ts'

const importing =
  /\b(?:import|export)\b[^'"`;]*?\bfrom\s*(['"])([^'"\n]+)\1|\bimport\s*\(?\s*(['"`])([^'"`\n]+)\3/g

export function checkImports(root: string): Problem[] {
  const files = filesWithin(root, ['packages', 'lab', 'examples']).filter(
    (file) => isCode(file) && !isTest(file),
  )
  return files
    .filter((file) => !file.includes('/bin/'))
    .flatMap((file) => {
      const text = read(root, file)
      const code = withoutComments(text)
      const arrows = [...code.matchAll(importing)].flatMap((found) => {
        const message = arrowRule({ from: file, to: found[2] ?? found[4] ?? '' })
        return message === null ? [] : [{ file, line: lineAt(code, found.index + found[0].length), message }]
      })
      const inside = file.startsWith(server) ? file.slice(server.length) : ''
      if (level(folderOf(inside)) < 0 || folderOf(inside) === 'http' || isEdgeFile(inside)) return arrows
      const bare = bareCode(text)
      const http = [...bare.matchAll(/(?<![.\w])(?:Request|Response)\b(?!\s*:)/g)].map(({ index }) => {
        return {
          file,
          line: lineAt(bare, index),
          message: 'only routes, pages, views and http/ know Request and Response',
        }
      })
      return [...arrows, ...http]
    })
}

if (import.meta.main) conclude('imports', checkImports(repositoryRoot))
