import assert from 'node:assert/strict'
import { test } from 'node:test'
import { renderMarkdown } from './render.ts'

const targets = {
  link: (target: string) => `to:${target}`,
  image: (target: string) => `at:${target}`,
  titleOf: () => 'Its title',
}
const render = (text: string) => renderMarkdown(`# A page\n\n${text}\n`, targets)

const shown: [what: string, text: string, html: RegExp][] = [
  [
    'emphasis and code',
    'a *b* **c** `<d>`',
    /<p>a <em>b<\/em> <strong>c<\/strong> <code>&lt;d&gt;<\/code><\/p>/,
  ],
  ['a link', '[a](b.html)', /<a href="to:b.html">a<\/a>/],
  [
    'a document that is linked by its name, by its title',
    '[docs/b.md](docs/b.md)',
    /<a href="to:docs\/b.md">Its title</,
  ],
  ['a link to elsewhere, which is not told where from', '[a](https://b.example)', / rel="noreferrer">a</],
  [
    'an address in running text, which is none',
    'see http://localhost:3000 too',
    /<p>see http:\/\/localhost:3000 too<\/p>/,
  ],
  [
    'a picture with its words',
    '![words](a.svg)',
    /<figure><a href="at:a.svg"><img src="at:a.svg" alt="words"><\/a><\/figure>/,
  ],
  [
    'a table',
    '| a | b |\n|---|---:|\n| c | d |',
    /<th scope="col">a<\/th>.*<td>c<\/td><td class="right">d<\/td>/s,
  ],
  ['a table without a head', '| | |\n|---|---|\n| c | d |', /<table><tbody><tr><td>c/],
  ['a list within a list', '- a\n  - b', /<ul><li>a\n<ul><li>b<\/li><\/ul><\/li><\/ul>/],
  ['a list that goes on after a paragraph', '3. a', /<ol start="3">/],
  [
    'code in its colours',
    '```ts\nconst a = 1 // b\n```',
    /<span class="keyword">const<\/span> a = <span class="number">1<\/span> <span class="comment">\/\/ b</,
  ],
  [
    'a heading that can be linked to',
    '## `b`, and c\n\n## `b`, and c',
    /<h2 id="b-and-c">.*<h2 id="b-and-c-1">/s,
  ],
  ['nothing of a remark', '<!-- from a.ts -->', /<\/h1>\s*$/],
]
for (const [what, text, html] of shown) {
  test(`a page shows ${what}`, () => assert.match(render(text).html, html))
}

const refused: [what: string, text: string, says: RegExp][] = [
  ['HTML', '<script>alert(1)</script>', /is HTML/],
  ['HTML in a line', 'a <b>b</b>', /not in the part of Markdown/],
  ['what is struck out', '~~a~~', /not in the part of Markdown/],
  ['tasks', '- [ ] a', /list of tasks/],
  ['a picture without words', '![](a.svg)', /no words/],
  ['a language that nobody coloured', '```cobol\na\n```', /"cobol"/],
  ['a second title', '# Another', /one heading of the first level/],
  ['a heading that leaves out a level', '### b', /leaves out a level/],
]
for (const [what, text, says] of refused) {
  test(`${what} stops the build`, () => assert.throws(() => render(text), says))
}

test('a page without a title stops the build', () => {
  assert.throws(() => renderMarkdown('words\n', targets), /begins with its title/)
})

test('search hears the words below each heading once, and none of the marks', () => {
  const { passages, about } = render('A `b`.\n\n## C\n\n- d *e*\n  - f\n\n| g |\n|---|\n| h |')
  assert.deepEqual(passages, [
    { id: 'a-page', heading: 'A page', text: 'A b.' },
    { id: 'c', heading: 'C', text: 'd e f g h' },
  ])
  assert.equal(about, 'A b.')
})
