import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deviceLabel } from './device-label.ts'

const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0'
const labels: [userAgent: string | null, label: string][] = [
  [firefox, 'Firefox on Linux'],
  ['curl/8.5.0', 'curl'],
  ['node', 'node'],
  ['x'.repeat(9000), 'x'.repeat(40)],
  [null, 'Unknown device'],
  ['', 'Unknown device'],
  [' ', 'Unknown device'],
]
for (const [userAgent, label] of labels) {
  test(`${String(userAgent).slice(0, 30)} is listed as ${label.slice(0, 30)}`, () => {
    assert.equal(deviceLabel(userAgent), label)
  })
}

test('nothing that a terminal obeys, or that turns text around, gets into the list of devices', () => {
  assert.equal(deviceLabel('\u009b31mred'), '31mred')
  assert.equal(deviceLabel('a\u001b[2Jb'), 'a[2Jb')
  assert.equal(deviceLabel('\u202eevil\u2066\u200b'), 'evil')
  assert.equal(deviceLabel('\u0085\u009b'), 'Unknown device')
})
