// Why: code in a document is copied by everyone who reads it, and goes stale unseen. A block below
// `<!-- from path/of/file -->` is that file, or a part of it in one piece; the file is one that a test runs. A block of
// a language that runs and is not so shown has to be on a list, with a reason.
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { conclude, filesUnder, isTest, lineAt, type Problem, read, repositoryRoot } from './source.ts'
import { type Unshown, unshown } from './unshown.ts'

const shown = /^<!-- from (\S+) -->\n+(?:(`{3,})[^\n]*\n([\s\S]*?)^\2$)?/gm
const block = /^(<!-- from \S+ -->\n+)?(`{3,})(\w*)\n([\s\S]*?)^\2$/gm
const runs = new Set(['ts', 'tsx', 'js', 'jsx', 'sh', 'bash', 'nginx', 'sql', 'yaml'])

function notTheFile(root: string, page: string): Problem[] {
  const text = read(root, page)
  return [...text.matchAll(shown)].flatMap(({ index, 1: file = '', 3: code }) => {
    const at = { file: page, line: lineAt(text, index) }
    if (code === undefined) return [{ ...at, message: `put the block of ${file} right below this` }]
    if (!existsSync(join(root, file))) return [{ ...at, message: `there is no ${file}` }]
    // Whole lines: half a line would be another statement. What stands within something is shown without its indent.
    const lines = `\n${read(root, file)}`
    const isThere = (indent: string) => lines.includes(`\n${code.replace(/^(?=.)/gm, indent)}`)
    if (code !== '' && ['', '  ', '    ', '      '].some(isThere)) return []
    return [{ ...at, message: `this is not what ${file} says: copy it anew` }]
  })
}

type Loose = { page: string; line: number }

/** `npm ci`, scripts that there are, and programs of our examples: what these do is tested where they are. */
function isOnlyScripts(code: string, house: { root: string; scripts: ReadonlySet<string> }): boolean {
  const commands = code
    .split('\n')
    .map((line) => line.replace(/(?:^|\s)#.*$/, ''))
    .flatMap((line) => line.split('&&').map((command) => command.trim()))
    .filter((command) => command !== '')
  return commands.every((command) => {
    const program = /^npx node (?:--test )?(examples\/\S+\.ts)$/.exec(command)?.[1]
    if (program !== undefined) return isTested(house.root, program)
    const name = /^npm (?:(ci)|(start|test)|run (?:-s )?([\w-]+))(?: |$)/.exec(command)
    return name !== null && (name[1] !== undefined || house.scripts.has(name[2] ?? name[3] ?? ''))
  })
}

/** It is there, and beside a test. */
function isTested(root: string, program: string): boolean {
  const beside = existsSync(join(root, program)) ? filesUnder(root, [dirname(program)]) : []
  return beside.some((file) => dirname(file) === dirname(program) && isTest(file))
}

function scriptsOf(root: string): ReadonlySet<string> {
  if (!existsSync(join(root, 'package.json'))) return new Set()
  return new Set(Object.keys(JSON.parse(read(root, 'package.json')).scripts ?? {}))
}

function looseBlocks(root: string, page: string, scripts: ReadonlySet<string>): Loose[] {
  const text = read(root, page)
  return [...text.matchAll(block)].flatMap(({ index, 1: from, 3: language = '', 4: code = '' }) => {
    const isFree = from !== undefined || !runs.has(language)
    return isFree || (language === 'sh' && isOnlyScripts(code, { root, scripts }))
      ? []
      : [{ page, line: lineAt(text, index) }]
  })
}

/** More blocks than the list allows, or fewer: it only gets shorter. */
function checkList(loose: readonly Loose[], list: readonly Unshown[]): Problem[] {
  const pages = new Set([...loose.map(({ page }) => page), ...list.map(({ page }) => page)])
  return [...pages].flatMap((page) => {
    const here = loose.filter((one) => one.page === page)
    const allowed = list.find((entry) => entry.page === page)?.blocks ?? 0
    if (here.length < allowed) {
      const message = `${page} has ${here.length} blocks that no file shows, not ${allowed}: lower the number`
      return [{ file: 'tools/unshown.ts', line: 1, message }]
    }
    return here.slice(allowed).map(({ line }) => ({
      ...{ file: page, line: allowed === 0 ? line : 1 },
      message:
        'show each block from a file that a test runs (`<!-- from FILE -->`), or give the reason in tools/unshown.ts',
    }))
  })
}

export function checkShown(root: string, list: readonly Unshown[] = unshown): Problem[] {
  const pages = filesUnder(root, ['']).filter((page) => page.endsWith('.md'))
  const loose = pages.flatMap((page) => looseBlocks(root, page, scriptsOf(root)))
  return [...pages.flatMap((page) => notTheFile(root, page)), ...checkList(loose, list)]
}

if (import.meta.main) conclude('shown code', checkShown(repositoryRoot))
