import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assetPath, assets } from './assets.ts'

const body = (name: 'style.css' | 'page.js' | 'icon.svg') => assets.get(assetPath(name))?.body ?? ''

test('every asset is found at the path that pages write, with its content type', () => {
  for (const [name, type] of [
    ['style.css', 'text/css; charset=utf-8'],
    ['page.js', 'text/javascript; charset=utf-8'],
    ['icon.svg', 'image/svg+xml'],
  ] as const) {
    assert.equal(assets.get(assetPath(name))?.type, type)
    assert.notEqual(body(name), '')
  }
  assert.equal(assets.size, 3)
})

test('a path names the content, so that it can be kept for ever', () => {
  assert.match(assetPath('style.css'), /^\/assets\/style\.[0-9a-f]{8}\.css$/)
  assert.match(assetPath('page.js'), /^\/assets\/page\.[0-9a-f]{8}\.js$/)
})

test('the stylesheet loads nothing from anywhere', () => {
  assert.doesNotMatch(body('style.css'), /url\(|@import|@font-face/)
})

type Scheme = Map<string, string>

/** The colours of both schemes; dark takes from light what it does not set. */
function schemes(): { light: Scheme; dark: Scheme } {
  const blocks = [...body('style.css').matchAll(/:root \{([^}]*)\}/g)]
  const [first = '', second = ''] = blocks.map((found) => found[1] ?? '')
  const read = (block: string): Scheme =>
    new Map(
      [...block.matchAll(/--([a-z-]+): (#[0-9a-f]+);/g)].map((found) => [found[1] ?? '', found[2] ?? '']),
    )
  const light = read(first)
  return { light, dark: new Map([...light, ...read(second)]) }
}

/** WCAG 2.2, relative luminance. */
function luminance(colour: string): number {
  const hex = colour.length === 4 ? colour.replace(/[0-9a-f]/g, '$&$&') : colour
  assert.match(hex, /^#[0-9a-f]{6}$/, `${colour} is a plain colour`)
  const linear = (at: number) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255
    return value <= 0.040_45 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  }
  return 0.2126 * linear(1) + 0.7152 * linear(3) + 0.0722 * linear(5)
}

function contrast(scheme: Scheme, front: string, back: string): number {
  const one = luminance(scheme.get(front) ?? `no --${front}`)
  const two = luminance(scheme.get(back) ?? `no --${back}`)
  return (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05)
}

// 4.5 is what WCAG AA asks of text, 3 of borders and focus rings. Text on the stub also stands on its woven lines.
const pairs = [
  {
    front: 'ink',
    backs: ['ground', 'sheet', 'stub', 'weave', 'code', 'wrong-ground', 'done-ground'],
    least: 7,
  },
  { front: 'quiet', backs: ['ground', 'sheet', 'stub', 'weave'], least: 4.5 },
  { front: 'link', backs: ['ground', 'sheet'], least: 4.5 },
  { front: 'wrong', backs: ['ground', 'sheet', 'stub', 'weave'], least: 4.5 },
  { front: 'on-action', backs: ['action', 'action-over'], least: 4.5 },
  { front: 'edge', backs: ['sheet', 'ground', 'stub', 'code'], least: 3 },
  { front: 'action', backs: ['sheet', 'ground', 'stub'], least: 3 },
  { front: 'done', backs: ['done-ground'], least: 3 },
]

for (const name of ['light', 'dark'] as const) {
  test(`text and edges stand out from what is behind them, ${name}`, () => {
    const scheme = schemes()[name]
    for (const { front, backs, least } of pairs) {
      for (const back of backs) {
        const ratio = contrast(scheme, front, back)
        assert.ok(ratio >= least, `${front} on ${back}: ${ratio.toFixed(2)}, at least ${least}`)
      }
    }
  })
}
