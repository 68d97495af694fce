// Why: the documents are checked by their tables and their links, so both are read in one way.

export type Row = { line: number; cells: string[]; header: string[] }

/** Every table row below a header, fenced blocks left out. A cell keeps its Markdown. */
export function tableRows(text: string): Row[] {
  const rows: Row[] = []
  let header: string[] = []
  for (const [index, line] of prose(text).split('\n').entries()) {
    if (!line.trimStart().startsWith('|')) {
      header = []
      continue
    }
    const cells = line
      .trim()
      .replace(/^\|/, '')
      .replace(/\|$/, '')
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim().replaceAll('\\|', '|'))
    if (cells.every((cell) => /^:?-+:?$/.test(cell))) continue
    if (header.length === 0) header = cells.map((cell) => cell.toLowerCase())
    else rows.push({ line: index + 1, cells, header })
  }
  return rows
}

/** The cell under the heading named, else the one at the place given. */
export function cellUnder(row: Row, place: { heading: string; otherwise: number }): string {
  const found = row.header.findIndex((cell) => cell.includes(place.heading))
  return row.cells[found === -1 ? place.otherwise : found] ?? ''
}

/** What a cell holds between its first pair of backticks; null when it holds none. */
export function codeIn(cell: string): string | null {
  return /`([^`]+)`/.exec(cell)?.[1] ?? null
}

/** Targets of links and images that point at files, without the fragment. */
export function fileLinks(text: string): { line: number; target: string }[] {
  const plain = prose(text).replace(/`[^`\n]*`/g, (code) => code.replace(/[^\n]/g, ' '))
  const links = /\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)|^\[[^\]]+\]:\s*(\S+)/gm
  return [...plain.matchAll(links)].flatMap((found) => {
    const target = (found[1] ?? found[2] ?? '').replace(/#.*$/, '')
    if (target === '' || /^[a-z][a-z+.-]*:/i.test(target)) return []
    return [{ line: plain.slice(0, found.index).split('\n').length, target: decodeURI(target) }]
  })
}

function prose(text: string): string {
  return text.replace(/^( *)(```+|~~~+)[^\n]*\n[\s\S]*?^ *\2[^\n]*$/gm, (block) =>
    block.replace(/[^\n]/g, ''),
  )
}
