// Why: "every attack is answered" is a claim. Each row of docs/threats.md names the test that proves it, and this
// finds the test. What is not proven yet says so, and for the attacks at the heart of the house that is rationed.
import { existsSync } from 'node:fs'
import { join, posix } from 'node:path'
import { tableRows } from './markdown.ts'
import { conclude, lineAt, type Problem, read, repositoryRoot, withoutComments } from './source.ts'

type Attacks = { all: readonly string[]; proven: readonly string[]; openAllowed: number }

const range = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, index) => `A-${first + index}`)

export const attacks: Attacks = {
  all: range(1, 127),
  proven: [
    ...[...range(1, 54), ...range(66, 77)],
    ...[...range(79, 89), ...range(92, 106), ...range(118, 124), 'A-64', 'A-126', 'A-127'],
  ],
  openAllowed: 8,
}

const file = 'docs/threats.md'
const proof = /"([^"]+)"\s+in\s+\[[^\]]*\]\(([^)\s]+)\)/g

function testNames(text: string): string[] {
  const code = withoutComments(text)
  const named = /\b(?:test|it)\s*\(\s*(['"`])((?:\\.|(?!\1)[^\\])*)\1/g
  return [...code.matchAll(named)].map(([, , name = '']) => name.replace(/\\(.)/g, '$1'))
}

function faultOf(root: string, cell: string): string | null {
  if (/^open:\s*\S/.test(cell)) return null
  const proofs = [...cell.matchAll(proof)]
  const rest = cell
    .replace(proof, '')
    .replace(/<br\s*\/?>|\band\b|[;,.]/g, '')
    .trim()
  if (proofs.length === 0 || rest !== '') {
    return 'the proof is written "test name" in [file](../path/to/file.test.ts), or open: and the reason'
  }
  for (const [, name = '', link = ''] of proofs) {
    const path = posix.join('docs', link)
    if (path.startsWith('..') || !existsSync(join(root, path))) return `there is no ${path}`
    if (!path.endsWith('.test.ts')) return `${path} is no test file`
    if (!testNames(read(root, path)).includes(name)) return `${path} has no test("${name}")`
  }
  return null
}

export function checkThreats(root: string, required: Attacks = attacks): Problem[] {
  if (!existsSync(join(root, file)))
    return [{ file, line: 1, message: 'write it: | A-1 | attack | room | proof |' }]
  const text = read(root, file)
  const problems: Problem[] = []
  const seen = new Set<string>()
  const open: string[] = []
  for (const { line, cells } of tableRows(text)) {
    const [id = '', attack = '', room = '', cell = ''] = cells
    if (!/^A-\d+$/.test(id)) continue
    const add = (message: string) => problems.push({ file, line, message: `${id}: ${message}` })
    if (seen.has(id)) add('has a row already: keep one')
    if (!required.all.includes(id)) add('is not an attack of the catalogue')
    seen.add(id)
    if (cells.length !== 4 || attack === '' || room === '') add('needs four cells: id, attack, room, proof')
    const fault = faultOf(root, cell)
    if (fault !== null) add(fault)
    if (cell.startsWith('open:') && required.proven.includes(id)) open.push(id)
  }
  for (const id of required.all) {
    if (!seen.has(id)) problems.push({ file, line: lineAt(text, text.length), message: `${id}: add its row` })
  }
  if (open.length > required.openAllowed) {
    const message = `${open.length} attacks that must be proven are open, at most ${required.openAllowed}: ${open.join(', ')}`
    problems.push({ file, line: 1, message })
  }
  return problems
}

if (import.meta.main) conclude('threats', checkThreats(repositoryRoot))
