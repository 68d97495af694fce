import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { read, repositoryRoot as root } from './source.ts'

const unit = read(root, 'deploy/counterfoil.service')
const image = read(root, 'deploy/Dockerfile')
const compose = read(root, 'deploy/compose.yaml')
const document = read(root, 'docs/deploy.md')

const namesIn = (text: string) => new Set(text.match(/\bCOUNTERFOIL_[A-Z]+(?:_[A-Z]+)*\b/g))
const settings = namesIn(read(root, 'packages/server/src/node/environment.ts').split('as const')[0] ?? '')

/** What stopping takes at the most, after the drain. */
const stopSeconds = 15

test('the variables that the server reads are those of the document, both ways', () => {
  const rows = document.split('\n').filter((line) => line.startsWith('| `COUNTERFOIL_'))
  const documented = namesIn(rows.map((line) => line.split('|')[1]).join('\n'))
  assert.ok(settings.size > 8)
  assert.deepEqual([...documented].sort(), [...settings].sort())
})

for (const [file, text] of Object.entries({ unit, image, compose })) {
  test(`the ${file} names no variable that the server does not know`, () => {
    const named = [...namesIn(text)].filter((name) => name !== 'COUNTERFOIL_')
    assert.ok(named.length > 0)
    for (const name of named) assert.ok(settings.has(name), name)
  })
}

test('every path of the checkout that they name is there', () => {
  const paths = [
    ...[...unit.matchAll(/\/opt\/counterfoil\/([\w./-]+)/g)].map(([, path]) => path ?? ''),
    ...[...image.matchAll(/^COPY (.+) \S+$/gm)].flatMap(([, sources = '']) => sources.split(' ')),
    ...[...image.matchAll(/"(packages\/[^"]+)"/g)].map(([, path]) => path ?? ''),
    ...[...compose.matchAll(/dockerfile: (\S+)/g)].map(([, path]) => path ?? ''),
  ]
  assert.ok(paths.length >= 9, paths.join())
  for (const path of paths) assert.ok(existsSync(join(root, path)), path)
})

test('the image holds every package of ours that the server needs, and a Node that it runs on', () => {
  const { name, dependencies, engines } = JSON.parse(read(root, 'packages/server/package.json'))
  const ours = [name, ...Object.keys(dependencies).filter((other) => other.startsWith('@counterfoil/'))]
  const installed = [...image.matchAll(/--workspace=(\S+)/g)].map(([, workspace]) => workspace)
  assert.deepEqual(installed.sort(), ours.sort())
  const [, least = ''] = /(\d+)/.exec(engines.node) ?? []
  const [, given = ''] = /^FROM node:(\d+)/m.exec(image) ?? []
  assert.ok(Number(given) > Number(least), `${given} and ${least}`)
})

test('both leave a server the time that it needs to stop', () => {
  const number = (text: string, pattern: RegExp) => Number(pattern.exec(text)?.[1] ?? Number.NaN)
  const inUnit = number(unit, /COUNTERFOIL_DRAIN_SECONDS=(\d+)/) + stopSeconds
  assert.ok(number(unit, /TimeoutStopSec=(\d+)/) >= inUnit)
  const inImage = number(image, /COUNTERFOIL_DRAIN_SECONDS=(\d+)/) + stopSeconds
  assert.ok(number(compose, /stop_grace_period: (\d+)s/) >= inImage)
})

const analyse = '/usr/bin/systemd-analyze'
const skip = existsSync(analyse) ? false : 'systemd is not installed here'

test('systemd finds no fault in the unit', { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'counterfoil-unit-'))
  try {
    const path = join(folder, 'counterfoil.service')
    const here = unit.replaceAll('/opt/counterfoil', root).replace('/usr/bin/node', process.execPath)
    writeFileSync(path, here)
    const { status, stdout, stderr } = spawnSync(analyse, ['verify', '--man=no', path], { encoding: 'utf8' })
    assert.deepEqual([status, stdout, stderr], [0, '', ''])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
