// Why: in the checkout the sources run as they are; whoever installs the package gets JavaScript that every browser of
// today and every bundler takes. What the manifest says of `./src/*.ts` is said of the compiled files in `dist`, and
// that folder is the package.
import { execFileSync } from 'node:child_process'
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

rmSync(here('dist'), { recursive: true, force: true })
const compiler = here('../../node_modules/typescript/bin/tsc')
execFileSync(process.execPath, [compiler, '-p', here('tsconfig.build.json')], { stdio: 'inherit' })

const { scripts: _, ...manifest }: { exports: Record<string, string>; scripts?: unknown } = JSON.parse(
  readFileSync(here('package.json'), 'utf8'),
)
const entries = Object.entries(manifest.exports).map(([name, source]) => {
  const compiled = source.replace(/^\.\/src\/(.+)\.ts$/, './$1')
  return [name, { types: `${compiled}.d.ts`, default: `${compiled}.js` }]
})
const written = { ...manifest, exports: Object.fromEntries(entries) }
writeFileSync(here('dist/package.json'), `${JSON.stringify(written, null, 2)}\n`)
copyFileSync(here('README.md'), here('dist/README.md'))
copyFileSync(here('../../LICENSE'), here('dist/LICENSE'))
