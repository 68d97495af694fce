// Why: what an attacker would bend (cookies, time, chance, comparison, signatures, refusals) happens behind one door
// each, so an auditor reads a handful of files instead of all of them. The doors are in doors.ts.
import { type Door, doors, server } from './doors.ts'
import {
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

/** The names under which rooms hand out the function that makes them. What `testing/` hands out is no room. */
function makersOf(root: string, files: readonly string[]): string[] {
  const doorFiles = files.filter((file) =>
    /^packages\/server\/src\/(?!testing\/)[^/]+\/index\.ts$/.test(file),
  )
  const names = doorFiles.flatMap((file) => {
    const exports = withoutComments(read(root, file)).match(/\bexport\b[^;=(]*/g) ?? []
    return exports.flatMap((text) => text.match(/\bcreate[A-Z]\w*/g) ?? [])
  })
  return [...new Set(names)]
}

function wiring(makers: readonly string[], code: string): Door {
  const foreign = makers.filter((name) => !new RegExp(`\\bfunction\\s+${name}\\b`).test(code))
  return {
    what: 'wires rooms',
    patterns: foreign.map((name) => new RegExp(`(?<![.\\w$])${name}\\s*(?:<[^;()]*>)?\\(`, 'g')),
    only: [`${server}auth.ts`],
    why: 'who may call whom is read on one page',
    within: [server],
  }
}

export function checkDoors(root: string): Problem[] {
  const inPackages = filesWithin(root, ['packages'])
  const files = inPackages.filter((file) => /^packages\/[^/]+\/src\//.test(file) && isCode(file))
  const makers = makersOf(root, files)
  const shipped = files.filter((file) => !isTest(file))
  return shipped.flatMap((file) => {
    const code = withoutComments(read(root, file))
    const others = [...doors, wiring(makers, code)].filter(({ only, within = ['packages/'] }) => {
      return !only.includes(file) && within.some((folder) => file.startsWith(folder))
    })
    return others.flatMap(({ what, patterns, only, why }) => {
      const found = patterns.flatMap((pattern) => [...code.matchAll(pattern)])
      const place = only.length === 0 ? 'nothing here' : `only ${only.join(', ')}`
      return found.map(({ index }) => ({
        file,
        line: lineAt(code, index),
        message: `${place} ${what}: ${why}`,
      }))
    })
  })
}

if (import.meta.main) conclude('doors', checkDoors(repositoryRoot))
