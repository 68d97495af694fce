// Why: one frame around every page. It reads without script, on a phone and on paper; the script only adds search. Its
// own ids have a dot, which no heading's has.
import { escapeHtml } from './highlight.ts'
import { between, listPage, pageOf } from './places.ts'
import type { Heading } from './render.ts'

export type Link = { title: string; file: string }
export type Contents = readonly { title: string; links: readonly Link[] }[]

export type Framed = {
  /** Where the page is on the site. */
  at: string
  /** The document that it shows; `null` for pages of the site's own and for code. */
  file: string | null
  title: string
  about: string
  html: string
  headings: readonly Heading[]
  contents: Contents
}

function sectionList({ at, file, contents }: Framed): string {
  return contents
    .map(({ title, links }) => {
      const here = links.some((link) => link.file === file)
      const entries = links.map((link) => {
        const current = link.file === file ? ' aria-current="page"' : ''
        return `<li><a href="${between(at, pageOf(link.file))}"${current}>${escapeHtml(link.title)}</a></li>`
      })
      return `<details${here ? ' open' : ''}><summary>${escapeHtml(title)}</summary><ul>${entries.join('')}</ul></details>`
    })
    .join('\n')
}

function neighbours({ at, file, contents }: Framed): string {
  const links = contents.flatMap((section) => section.links)
  const here = links.findIndex((link) => link.file === file)
  if (here === -1) return ''
  const to = (link: Link | undefined, word: string, rel: string) =>
    link === undefined
      ? '<span></span>'
      : `<a rel="${rel}" href="${between(at, pageOf(link.file))}"><span>${word}</span> ${escapeHtml(link.title)}</a>`
  return `<nav class="neighbours" aria-label="Previous and next page">${to(links[here - 1], 'Previous', 'prev')}${to(links[here + 1], 'Next', 'next')}</nav>`
}

function onThisPage(headings: readonly Heading[]): string {
  const parts = headings.filter(({ depth }) => depth === 2)
  if (parts.length < 3) return ''
  const entries = parts.map(({ id, text }) => `<li><a href="#${id}">${escapeHtml(text)}</a></li>`)
  return `<nav class="here" aria-label="On this page"><p>On this page</p><ul>${entries.join('')}</ul></nav>`
}

export function frame(page: Framed): string {
  const asset = (name: string) => between(page.at, `assets/${name}`)
  const home = between(page.at, 'index.html')
  const title = page.at === 'index.html' ? page.title : `${page.title} · Counterfoil`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="description" content="${escapeHtml(page.about.slice(0, 200))}">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="${asset('icon.svg')}">
<link rel="stylesheet" href="${asset('site.css')}">
<script defer src="${asset('search.js')}" data-home="${between(page.at, 'index.html').replace(/index\.html$/, '')}"></script>
</head>
<body>
<a class="skip" href="#the.text">Skip to the text</a>
<header class="top">
<a class="mark" href="${home}">Counterfoil</a>
<form role="search" hidden><label><span class="unseen">Search the documents</span><input type="search" name="q" placeholder="Search" autocomplete="off" spellcheck="false"></label></form>
<a class="to-contents" href="#the.contents">Contents</a>
<div class="results" hidden><p role="status"></p><ol></ol></div>
</header>
<div class="sheet">
<main id="the.text" tabindex="-1">
${page.html}
${neighbours(page)}
</main>
${onThisPage(page.headings)}
<nav class="contents" id="the.contents" aria-label="Contents">
<p><a href="${between(page.at, listPage)}">All pages</a></p>
${sectionList(page)}
</nav>
</div>
</body>
</html>
`
}
