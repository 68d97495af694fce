import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Where the public vectors lie: beside the repository, since they are data and not ours to copy. */
const folder =
  process.env.COUNTERFOIL_VECTORS ?? fileURLToPath(new URL('../../../../../shared/vectors', import.meta.url))

/** For `test(name, { skip })`: false where the vectors are there, else why nothing was checked. */
export const skipWithoutVectors: false | string = existsSync(`${folder}/wycheproof`)
  ? false
  : 'shared vectors absent: set COUNTERFOIL_VECTORS to the folder that holds wycheproof/ and rfc7520/'

if (skipWithoutVectors !== false)
  console.warn(`\n!!! ${skipWithoutVectors}\n!!! signatures go unchecked against public vectors\n`)

/** A vector file. The shape is the caller's claim; `fewest` cases keep a changed format from passing as an empty one. */
export function readVectors<Group>(path: string, fewest: number): readonly Group[] {
  const document: { testGroups: (Group & { tests: readonly unknown[] })[] } = JSON.parse(
    readFileSync(`${folder}/${path}`, 'utf8'),
  )
  const cases = document.testGroups.reduce((sum, group) => sum + group.tests.length, 0)
  if (cases < fewest) throw new Error(`${path} holds ${cases} cases, fewer than ${fewest}`)
  return document.testGroups
}

export function readVectorFile<Document>(path: string): Document {
  return JSON.parse(readFileSync(`${folder}/${path}`, 'utf8'))
}
