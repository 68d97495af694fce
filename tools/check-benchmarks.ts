// Why: a figure in a document is worth what can be repeated. Each comes from the committed results of one run, and the
// front page quotes ratios alone. `node tools/check-benchmarks.ts --write` fills them in.
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { filled, type Results, withoutBlocks } from '../lab/bench/tables.ts'
import { conclude, type Problem, read, repositoryRoot } from './source.ts'

const results = 'lab/bench/results'
const pages = ['README.md', 'docs/benchmarks.md', 'docs/scale-beyond.md'] as const
const factor = /\b\d+(?:\.\d+)? ?(?:x|×|times)\b/

function resultsOf(root: string): Results {
  return {
    rows: JSON.parse(read(root, `${results}/full.json`)),
    about: JSON.parse(read(root, `${results}/about.json`)),
    day: JSON.parse(read(root, 'lab/sim/results/day.json')).rows,
  }
}

export function checkBenchmarks(root: string): Problem[] {
  const found = resultsOf(root)
  return pages.flatMap((file) => {
    const text = read(root, file)
    const problems: Problem[] = []
    const add = (line: number, message: string) => problems.push({ file, line, message })
    if (!text.includes('<!-- measured: ')) add(1, 'quotes nothing that was measured')
    try {
      const expected = filled(text, found).split('\n')
      const line = text.split('\n').findIndex((own, index) => own !== expected[index])
      if (line >= 0)
        add(line + 1, `differs from the committed results: run \`node tools/check-benchmarks.ts --write\``)
    } catch (error) {
      add(1, error instanceof Error ? error.message : String(error))
    }
    if (file !== 'README.md') return problems
    const own = withoutBlocks(text)
      .split('\n')
      .filter((line) => factor.test(line))
    for (const line of own)
      add(text.split('\n').indexOf(line) + 1, 'a ratio that no committed result fills in')
    return problems
  })
}

function write(root: string): void {
  for (const file of pages)
    if (existsSync(join(root, file)))
      writeFileSync(join(root, file), filled(read(root, file), resultsOf(root)))
}

if (import.meta.main) {
  if (process.argv.includes('--write')) write(repositoryRoot)
  conclude('benchmarks', checkBenchmarks(repositoryRoot))
}
