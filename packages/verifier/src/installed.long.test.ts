import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { stage } from '../../../tools/pack.ts'

const run = promisify(execFile)
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'counterfoil-installed-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** The oldest Node that the package is for, from the registry: what a machine has by itself is another one each time. */
const oldest = '20.20.2'
const { platform, arch } = process
const nodePackage = `node-${platform === 'win32' ? 'win' : platform === 'darwin' && arch === 'arm64' ? 'bin-darwin' : platform}-${arch}@${oldest}`
const viaNpm = ['exec', '--yes', `--package=${nodePackage}`, '--', 'node']

const application = `import { createVerifier, type Caller, Refusal } from '@counterfoil/verifier'
import { adapt as express } from '@counterfoil/verifier/express'
import { adapt as fastify } from '@counterfoil/verifier/fastify'
import { adapt as hono, type CallerVariables } from '@counterfoil/verifier/hono'
import { adapt as next } from '@counterfoil/verifier/next'
import { adapt as node } from '@counterfoil/verifier/node'
import { createWorker, isEndOfGrant, type Acting } from '@counterfoil/verifier/worker'
const verifier = await createVerifier({ issuer: 'https://a.example', audience: 'b', origin: 'https://b.example', client: { id: 'a', secret: 'b' } })
export const caller: Caller | null = await verifier.identify(new Request('https://b.example'), { critical: true })
export const same: Caller = await verifier.verify('token', { maxStale: 5 })
export const all = [express(verifier).authenticate({ critical: true }), fastify(verifier).required({ scope: 'pay' }), Refusal]
export const others = [hono(verifier).required(), next(verifier).proxy, node(verifier).required({ present: true }, () => 1)]
export const demanded: Caller = verifier.demand(caller, { freshWithinSeconds: 300 })
export type Variables = CallerVariables
export const worker = await createWorker({ issuer: 'https://a.example', client: { id: 'job', key: '{}' } })
export const acting: Acting = worker.actFor('grant', { scope: 'read', resource: 'https://b.example' })
export const answer: Response = await acting.fetch('https://b.example/all', { method: 'POST', body: 'x' })
export const why: string | null = isEndOfGrant(acting.ended()) ? acting.ended()?.code ?? null : null
// @ts-expect-error a caller may be nobody
export const wrong: Caller = await verifier.verifyCookie('cookie')
`

before(async () => {
  await stage('verifier', join(folder, 'node_modules/@counterfoil/verifier'))
  cpSync(here('testing/installed.js'), join(folder, 'application.js'))
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
})

const nodes: [name: string, program: string, args: readonly string[]][] = [
  ['this Node', process.execPath, []],
  [`Node ${oldest}`, 'npm', viaNpm],
]
const kinds: [name: string, args: readonly string[]][] = [
  ['node:crypto', []],
  ['WebCrypto', ['--conditions=counterfoil-webcrypto']],
]
for (const [name, program, args] of nodes) {
  test(`the tests of the compiled package on ${name} run on the Node that they name`, async () => {
    const { stdout } = await run(program, [...args, '--version'], { cwd: folder })
    assert.equal(stdout.trim(), program === 'npm' ? `v${oldest}` : process.version)
  })

  for (const [kind, options] of kinds) {
    test(`the compiled package works on ${name} with ${kind}`, async () => {
      const { stdout } = await run(program, [...args, ...options, 'application.js'], { cwd: folder })
      assert.equal(stdout.trim(), `ok ${kind}`)
    })
  }
}

for (const [module, moduleResolution] of [
  ['nodenext', 'nodenext'],
  ['esnext', 'bundler'],
]) {
  test(`an application reads the declarations, resolved as ${moduleResolution}, without a type of Node's`, async () => {
    writeFileSync(join(folder, 'application.ts'), application)
    const compilerOptions = {
      ...{ module, moduleResolution, target: 'es2022', lib: ['es2022', 'dom', 'dom.iterable'], types: [] },
      ...{ strict: true, exactOptionalPropertyTypes: true, noEmit: true },
    }
    const config = { compilerOptions, files: ['application.ts'] }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
    const compiler = here('../../../node_modules/typescript/bin/tsc')
    const found = await run(process.execPath, [compiler, '-p', folder]).catch(
      (error: { stdout: string }) => error,
    )
    assert.equal(found.stdout, '')
  })
}
