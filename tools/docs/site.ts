// Why: the documents as a site that needs no server and asks nobody anything. All of it is made in memory first, so
// that a check can read what a visitor would.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { filesUnder, type Problem, read } from '../source.ts'
import { escapeHtml, highlight, languageOf } from './highlight.ts'
import { type Contents, frame } from './layout.ts'
import { type Section, sections } from './pages.ts'
import { between, isPicture, listPage, type Place, pageOf, placeOf } from './places.ts'
import { type Heading, type Rendered, renderMarkdown } from './render.ts'

export type Site = { files: Map<string, string | Buffer>; problems: Problem[] }
type Use = { from: string; file: string; fragment: string }
type Shown = { file: string; rendered: Rendered }
/** What the documents lead to, gathered while they are rendered. */
type Found = { uses: Use[]; code: Set<string>; pictures: Set<string>; problems: Problem[] }

const assets = ['site.css', 'search.js', 'icon.svg']

const messageOf = (fault: unknown) => (fault instanceof Error ? fault.message : String(fault))

/** Every document is in one section, and every entry of a section is a document. */
function checkOrder(documents: readonly string[], order: readonly Section[]): Problem[] {
  const file = 'tools/docs/pages.ts'
  const listed = order.flatMap(({ pages }) => pages)
  const say = (message: string) => ({ file, line: 1, message })
  return [
    ...documents
      .filter((document) => !listed.includes(document))
      .map((document) => say(`${document} is in no section: put it where a reader would look for it`)),
    ...listed
      .filter((entry) => !documents.includes(entry))
      .map((entry) => say(`there is no ${entry}: take it out`)),
    ...listed
      .filter((entry, index) => listed.indexOf(entry) !== index)
      .map((entry) => say(`${entry} is in two places: keep one`)),
  ]
}

function hrefOf(place: Place, { file, target }: { file: string; target: string }): string {
  if (place.kind === 'elsewhere') return target
  const to = place.kind === 'picture' ? place.file : pageOf(place.file)
  const fragment = place.kind === 'picture' || place.fragment === '' ? '' : `#${place.fragment}`
  if (to === pageOf(file) && fragment !== '') return fragment
  return `${between(pageOf(file), to)}${fragment}`
}

function renderDocument(root: string, file: string, found: Found): Rendered | null {
  const resolve = (target: string, wantsPicture: boolean) => {
    const place = placeOf(root, { file, target })
    if (wantsPicture && place.kind !== 'picture') throw new Error(`${target} is not a picture of ours`)
    if (place.kind === 'picture') found.pictures.add(place.file)
    if (place.kind === 'code') found.code.add(place.file)
    if (place.kind === 'page' || place.kind === 'code')
      found.uses.push({ from: file, file: place.file, fragment: place.fragment })
    return hrefOf(place, { file, target })
  }
  try {
    return renderMarkdown(read(root, file), {
      link: (target) => resolve(target, false),
      image: (target) => resolve(target, true),
      titleOf: (target) => {
        const place = placeOf(root, { file, target })
        const heading = place.kind === 'page' ? /^# (.+)$/m.exec(read(root, place.file))?.[1] : undefined
        return heading?.replaceAll('`', '') ?? target
      },
    })
  } catch (fault) {
    found.problems.push({ file, line: 1, message: messageOf(fault) })
    return null
  }
}

/** A folder that a document names: what lies in it, and its files as pages. */
function folderPage(root: string, folder: string, found: Found): string {
  const files = filesUnder(root, [folder.replace(/\/$/, '')]).filter((file) => !isPicture(file))
  const entries = files.map((file) => {
    if (!file.endsWith('.md')) found.code.add(file)
    return `<li><a href="${between(pageOf(folder), pageOf(file))}"><code>${file.slice(folder.length)}</code></a></li>`
  })
  return `<h1><code>${folder}</code></h1>\n<ul>${entries.join('\n')}</ul>`
}

function codePage(root: string, file: string): string {
  const lines = highlight(read(root, file).replace(/\n$/, ''), languageOf(file)).split('\n')
  const rows = lines.map((line, index) => `<span class="line" id="L${index + 1}">${line}</span>`)
  return `<h1><code>${escapeHtml(file)}</code></h1>\n<pre class="listing" tabindex="0"><code>${rows.join('\n')}</code></pre>`
}

function allPages(contents: Contents): string {
  const parts = contents.map(({ title, links }) => {
    const entries = links.map(
      (link) =>
        `<li><a href="${pageOf(link.file)}">${escapeHtml(link.title)}</a> <code>${link.file}</code></li>`,
    )
    return `<h2>${escapeHtml(title)}</h2><ul>${entries.join('\n')}</ul>`
  })
  return `<h1>All pages</h1>\n${parts.join('\n')}`
}

function searchIndex(shown: readonly Shown[]): string {
  const entries = shown.flatMap(({ file, rendered }) =>
    rendered.passages.map(({ id, heading, text }, index) => [
      index === 0 ? pageOf(file) : `${pageOf(file)}#${id}`,
      rendered.title,
      index === 0 ? '' : heading,
      text,
    ]),
  )
  return `globalThis.counterfoilIndex=${JSON.stringify(entries)}\n`
}

function brokenFragments(root: string, shown: readonly Shown[], uses: readonly Use[]): Problem[] {
  const ids = new Map(
    shown.map(({ file, rendered }) => [file, new Set(rendered.headings.map(({ id }) => id))]),
  )
  return uses.flatMap(({ from, file, fragment }) => {
    if (fragment === '') return []
    const lines = file.endsWith('.md') ? 0 : read(root, file).split('\n').length
    const isThere = ids.get(file)?.has(fragment) ?? Number(/^L(\d+)$/.exec(fragment)?.[1] ?? lines) < lines
    if (isThere) return []
    const message = `the link points at #${fragment} of ${file}, and nothing there has that name`
    return [{ file: from, line: 1, message }]
  })
}

/** Links between the pages that are made, as a visitor follows them; and nothing is fetched from elsewhere. */
function deadLinks(files: Site['files']): Problem[] {
  return [...files].flatMap(([at, html]) => {
    if (!at.endsWith('.html') || typeof html !== 'string') return []
    const problems: Problem[] = []
    for (const [, name = '', value = ''] of html.matchAll(/<[^>]*\s(href|src)="([^"]*)"/g)) {
      const isElsewhere = /^[a-z][a-z+.-]*:/i.test(value)
      if (isElsewhere && name === 'href') continue
      const target = new URL(value, `site:///${at}`)
      const path = decodeURI(target.pathname).slice(1)
      if (!isElsewhere && (files.has(path) || value.startsWith('#'))) continue
      problems.push({ file: at, line: 1, message: `${value} is not a file of the site` })
    }
    return problems
  })
}

/** The whole site, and what is wrong with it. */
export function makeSite(root: string, order: readonly Section[] = sections): Site {
  const documents = filesUnder(root, ['']).filter((file) => file.endsWith('.md'))
  const found: Found = {
    uses: [],
    code: new Set(),
    pictures: new Set(),
    problems: checkOrder(documents, order),
  }
  const shown = documents.flatMap((file) => {
    const rendered = renderDocument(root, file, found)
    return rendered === null ? [] : [{ file, rendered }]
  })
  const titles = new Map(shown.map(({ file, rendered }) => [file, rendered.title]))
  const contents = order.map(({ title, pages }) => ({
    title,
    links: pages.flatMap((file) => ({ file, title: titles.get(file) ?? [] })).filter(isTitled),
  }))
  const files: Site['files'] = new Map()
  const put = (at: string, given: { file: string | null; title: string; html: string } & Partial<Extra>) =>
    files.set(at, frame({ about: '', headings: [], contents, at, ...given }))
  for (const { file, rendered } of shown) put(pageOf(file), { file, ...rendered })
  // A set takes in what is added while it is gone through.
  for (const file of found.code) {
    const html = file.endsWith('/') ? folderPage(root, file, found) : codePage(root, file)
    put(pageOf(file), { file: null, title: file, html })
  }
  put(listPage, { file: null, title: 'All pages', html: allPages(contents) })
  for (const picture of found.pictures) files.set(picture, readFileSync(join(root, picture)))
  for (const name of assets) files.set(`assets/${name}`, read(import.meta.dirname, `assets/${name}`))
  files.set('assets/search-index.js', searchIndex(shown))
  return {
    files,
    problems: [...found.problems, ...brokenFragments(root, shown, found.uses), ...deadLinks(files)],
  }
}

type Extra = { about: string; headings: readonly Heading[] }
const isTitled = (link: { file: string; title: string | never[] }): link is { file: string; title: string } =>
  typeof link.title === 'string'
