// Why: a hundred thousand seeds say something about the code that ran them. What has been decided by other code since is
// said aloud, and stops nobody: the run takes a quarter of an hour.
import { createHash } from 'node:crypto'
import { filesUnder, isCode, isTest, read, withoutComments } from '../../tools/source.ts'

const results = 'lab/sim/results'
const verifier = ['cache', 'checker', 'ends', 'feed', 'statement', 'steady', 'view', 'wire']
const server = ['feed/hub', 'tokens/rotation', 'tokens/refresh-token']

/** The pure cores, and the world around them; not the day, which counts instead of deciding. */
export function simulatedSources(root: string): string[] {
  const world = filesUnder(root, ['lab/sim']).filter((file) => isCode(file) && !isTest(file))
  return [
    ...verifier.map((name) => `packages/verifier/src/${name}.ts`),
    ...server.map((name) => `packages/server/src/${name}.ts`),
    ...world.filter((file) => !/\/(?:run|code|day[\w-]*)\.ts$/.test(file)),
  ]
}

/** Of all that decides in a simulation. Comments and white space are no part of it. */
export function codeDigest(root: string): string {
  const hash = createHash('sha256')
  for (const file of simulatedSources(root))
    hash.update(`${file}\n${withoutComments(read(root, file)).replace(/\s+/g, '')}\n`)
  return hash.digest('base64url').slice(0, 22)
}

/** A line for each committed run that other code than this has made, with the command that makes it again. */
export function staleRuns(root: string): string[] {
  const now = codeDigest(root)
  return filesUnder(root, [results]).flatMap((file) => {
    const { command, code }: { command: string; code?: string } = JSON.parse(read(root, file))
    if (code === now || command.includes('--day')) return []
    return [`${file} was made by other code than this. Again: ${command} --out ${file}`]
  })
}
