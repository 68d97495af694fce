import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rowOf, type Target } from './figures.ts'
import { barsOf, pictureOf, shareOf } from './picture.ts'

const row = (values: number[], target?: Target, against?: number[]) =>
  rowOf({
    ...{ question: 'a question & more', candidate: 'one < two', unit: 'ms', values },
    ...(target === undefined ? {} : { target }),
    ...(against === undefined ? {} : { against }),
  })

const cases: [what: string, share: number | null, given: ReturnType<typeof row>][] = [
  ['half of what is allowed', 0.5, row([25], { of: 'median', most: 50, text: '<= 50 ms' })],
  ['twice what is asked for', 0.5, row([2000], { of: 'median', least: 1000, text: '>= 1,000/s' })],
  ['half of what is asked for', 2, row([500], { of: 'median', least: 1000, text: '>= 1,000/s' })],
  [
    'a ratio and not the value',
    0.75,
    row([90], { of: 'ratio', most: 1.2, text: '<= 1.2 x 1 server' }, [100]),
  ],
  ['no target', null, row([1])],
  ['a target of nothing at all', null, row([0], { of: 'median', most: 0, text: '0' })],
]
for (const [what, share, given] of cases)
  test(`the share of a target that is used: ${what}`, () => assert.equal(shareOf(given), share))

test('a picture shows each measurement with its target, marks what was missed, and lets no text be markup', () => {
  const bars = barsOf(cases.map(([, , given]) => given))
  assert.equal(bars.length, 4)
  const picture = pictureOf(bars, 'a machine')
  assert.equal(picture.match(/class="bar/g)?.length, 4)
  assert.equal(picture.match(/class="bar missed"/g)?.length, 1)
  assert.ok(picture.includes('one &lt; two') && !picture.includes('one < two'))
  assert.ok(picture.includes('prefers-color-scheme: dark'))
})
