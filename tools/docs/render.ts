// Why: our documents use a small part of Markdown. What is outside it stops the build, so nothing is shown wrong
// unseen, and no HTML but our own reaches a page.
import { marked, type Token, type Tokens } from 'marked'
import { escapeHtml, highlight, isKnownLanguage } from './highlight.ts'

export type Heading = { depth: number; id: string; text: string }
/** What search knows of a page: the words below each heading. */
export type Passage = { id: string; heading: string; text: string }
export type Rendered = {
  title: string
  html: string
  headings: Heading[]
  passages: Passage[]
  /** The first paragraph, as plain text. */
  about: string
}
/** `link` and `image` turn a target as it is written into one that works on the site. */
export type Targets = {
  link: (target: string) => string
  image: (target: string) => string
  /** The title of a document that is linked to by its name alone. */
  titleOf: (target: string) => string
}
type Page = Targets & { headings: Heading[]; passages: Passage[]; taken: Map<string, number>; refuse: Refuse }
type Refuse = (what: string) => never

/** As GitHub makes them, so that a link works there and here. */
export function slug(text: string, taken: Map<string, number>): string {
  const plain = text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-')
  const count = taken.get(plain) ?? 0
  taken.set(plain, count + 1)
  return count === 0 ? plain : `${plain}-${count}`
}

const within = (token: Token): readonly Token[] => ('tokens' in token ? (token.tokens ?? []) : [])

const plainInline = (tokens: readonly Token[]): string =>
  tokens
    .map((token) => {
      if (token.type === 'br') return ' '
      if (token.type === 'html') return ''
      const inner = within(token)
      if (inner.length > 0) return plainInline(inner)
      return 'text' in token && typeof token.text === 'string' ? token.text : ''
    })
    .join('')

function inline(tokens: readonly Token[], page: Page): string {
  return tokens.map((token) => inlineOne(token, page)).join('')
}

function inlineOne(token: Token, page: Page): string {
  const inside = () => inline(within(token), page)
  switch (token.type) {
    case 'text':
      return within(token).length === 0 ? escapeHtml(token.text) : inside()
    case 'escape':
      return escapeHtml(token.text)
    case 'strong':
      return `<strong>${inside()}</strong>`
    case 'em':
      return `<em>${inside()}</em>`
    case 'codespan':
      return `<code>${escapeHtml(token.text)}</code>`
    case 'br':
      return '<br>'
    case 'link': {
      // An address in running text, which nobody wrote as a link.
      if (token.raw === token.text) return escapeHtml(token.text)
      const outside = /^https?:/.test(token.href) ? ' rel="noreferrer"' : ''
      // In the repository one looks for a file; here for a page.
      const words = /\.md$/.test(token.text) && !outside ? escapeHtml(page.titleOf(token.href)) : inside()
      return `<a href="${escapeHtml(page.link(token.href))}"${outside}>${words}</a>`
    }
    case 'image':
      if (token.text === '') page.refuse(`the picture ${token.href} has no words for those who do not see it`)
      return `<img src="${escapeHtml(page.image(token.href))}" alt="${escapeHtml(token.text)}">`
    default:
      return page.refuse(
        `"${token.raw.trim().slice(0, 60)}" (${token.type}) is not in the part of Markdown we use`,
      )
  }
}

function heading(token: Token, page: Page): string {
  const { depth, tokens = [] } = token as Tokens.Heading
  const before = page.headings.at(-1)?.depth ?? 0
  const text = plainInline(tokens)
  if (depth > before + 1) page.refuse(`the heading "${text}" leaves out a level`)
  if ((depth === 1) !== (before === 0)) page.refuse(`one heading of the first level, at the top: "${text}"`)
  const id = slug(text, page.taken)
  page.headings.push({ depth, id, text })
  page.passages.push({ id, heading: text, text: '' })
  const anchor =
    depth === 1 ? '' : ` <a class="anchor" href="#${id}" aria-label="Link to “${escapeHtml(text)}”">#</a>`
  return `<h${depth} id="${id}">${inline(tokens, page)}${anchor}</h${depth}>`
}

function code(token: Token, page: Page): string {
  const { lang = '', text } = token as Tokens.Code
  if (!isKnownLanguage(lang)) page.refuse(`the language "${lang}" of a code block is not in highlight.ts`)
  return `<pre tabindex="0"><code>${highlight(text, lang)}\n</code></pre>`
}

function table(token: Token, page: Page): string {
  const { header, rows, align } = token as Tokens.Table
  const style = (column: number) => (align[column] === 'right' ? ' class="right"' : '')
  const head = header.every(({ text }) => text === '')
    ? ''
    : `<thead><tr>${header.map((cell, at) => `<th scope="col"${style(at)}>${inline(cell.tokens, page)}</th>`).join('')}</tr></thead>`
  const body = rows
    .map(
      (row) =>
        `<tr>${row.map((cell, at) => `<td${style(at)}>${inline(cell.tokens, page)}</td>`).join('')}</tr>`,
    )
    .join('\n')
  return `<div class="table" tabindex="0" role="region" aria-label="Table"><table>${head}<tbody>${body}</tbody></table></div>`
}

function list(token: Token, page: Page): string {
  const { ordered, start, items } = token as Tokens.List
  const tag = ordered ? 'ol' : 'ul'
  const from = ordered && start !== 1 && start !== '' ? ` start="${start}"` : ''
  const entries = items.map((item) => {
    if (item.task) page.refuse('a list of tasks is not in the part of Markdown we use')
    return `<li>${blocks(item.tokens, apart(page))}</li>`
  })
  return `<${tag}${from}>${entries.join('\n')}</${tag}>`
}

/** What is within a block was counted with it. */
const apart = (page: Page): Page => ({ ...page, passages: [{ id: '', heading: '', text: '' }] })

function blocks(tokens: readonly Token[], page: Page): string {
  return tokens.map((token) => block(token, page)).join('\n')
}

function block(token: Token, page: Page): string {
  const passage = page.passages.at(-1)
  if (token.type === 'heading') return heading(token, page)
  if (passage === undefined && token.type !== 'space') page.refuse('a page begins with its title')
  if (passage && ['paragraph', 'list', 'table', 'code', 'blockquote'].includes(token.type))
    passage.text += ` ${words(token)}`
  switch (token.type) {
    case 'space':
      return ''
    case 'paragraph': {
      const body = inline(within(token), page)
      // A picture leads to itself, for screens that are too small for it.
      const picture = /^<img src="([^"]*)"[^>]*>$/.exec(body)?.[1]
      return picture === undefined ? `<p>${body}</p>` : `<figure><a href="${picture}">${body}</a></figure>`
    }
    case 'text':
      return inline(within(token), page)
    case 'code':
      return code(token, page)
    case 'table':
      return table(token, page)
    case 'list':
      return list(token, page)
    case 'blockquote':
      return `<blockquote>${blocks(within(token), apart(page))}</blockquote>`
    case 'html':
      // Only remarks for our own tools, which a reader need not see.
      if (/^<!--[^>]*-->\s*$/.test(token.raw)) return ''
      return page.refuse(`"${token.raw.trim().slice(0, 60)}" is HTML: write it in Markdown`)
    default:
      return page.refuse(
        `"${token.raw.trim().slice(0, 60)}" (${token.type}) is not in the part of Markdown we use`,
      )
  }
}

function words(token: Token): string {
  if (token.type === 'list')
    return (token as Tokens.List).items.map((item) => item.tokens.map(words).join(' ')).join(' ')
  if (token.type === 'table') {
    const { header, rows } = token as Tokens.Table
    return [header, ...rows].flatMap((row) => row.map((cell) => plainInline(cell.tokens))).join(' ')
  }
  const inner = within(token)
  if (token.type === 'code' || inner.length === 0) return 'text' in token ? String(token.text) : ''
  return token.type === 'blockquote' ? inner.map(words).join(' ') : plainInline(inner)
}

/** Throws an `Error` that says what a page holds and should not. */
export function renderMarkdown(text: string, targets: Targets): Rendered {
  const refuse: Refuse = (what) => {
    throw new Error(what)
  }
  const page: Page = { ...targets, headings: [], passages: [], taken: new Map(), refuse }
  const tokens = marked.lexer(text, { gfm: true })
  const html = blocks(tokens, page)
  const first = tokens.find(({ type, raw }) => type === 'paragraph' && !raw.startsWith('!['))
  return {
    title: page.headings[0]?.text ?? refuse('a page begins with its title'),
    html,
    headings: page.headings,
    passages: page.passages.map((one) => ({ ...one, text: one.text.replace(/\s+/g, ' ').trim() })),
    about: first === undefined ? '' : words(first).replace(/\s+/g, ' '),
  }
}
