import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { routeTable } from 'counterfoil/house'

/** What is no business of the world: whoever operates the server asks it directly. `''` is the application's. */
const notForTheWorld = ['', 'dev', 'healthz', 'metrics', 'readyz']

for (const file of ['nginx.conf', 'Caddyfile', 'traefik.yml']) {
  test(`${file} hands all paths to Counterfoil that browsers, clients and verifiers ask it for, and no others`, async () => {
    const [, list = ''] =
      /\^\/\(([\w|\\.-]+)\)\(\/\|\$\)/.exec(readFileSync(join(import.meta.dirname, file), 'utf8')) ?? []
    const handed = list.replaceAll('\\.', '.').split('|')
    const routes = (await routeTable()).map(({ path }) => path.split('/')[1] ?? '')
    const wanted = [...new Set(routes)].filter((segment) => !notForTheWorld.includes(segment))
    assert.deepEqual(handed.toSorted(), wanted.toSorted())
    assert.deepEqual(
      notForTheWorld.filter((segment) => !routes.includes(segment)),
      [],
      'what is kept back is there',
    )
  })
}
