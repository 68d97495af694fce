import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { stage } from '../../../tools/pack.ts'

const run = promisify(execFile)
const at = (path: string) => fileURLToPath(new URL(path, import.meta.url))
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
  cpSync(at('testing/installed.js'), join(folder, 'application.js'))
  cpSync(at('testing/installed-vectors.js'), join(folder, 'vectors.js'))
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
})

type Runtime = { name: string; program: string; args: readonly string[]; version: string }
const runtimes: Runtime[] = [
  { name: 'this Node', program: process.execPath, args: [], version: process.version },
  { name: `Node ${oldest}`, program: 'npm', args: viaNpm, version: `v${oldest}` },
]

/** Other runtimes, each one file in a package of the registry, without anything to be fetched or built when it is installed. */
const [deno, bun] = ['2.9.6', '1.4.5']
const others: Record<string, readonly [deno: string, bun: string]> = {
  'linux-x64': ['linux-x64-glibc', 'linux-x64-baseline'],
  'linux-arm64': ['linux-arm64-glibc', 'linux-aarch64'],
  'darwin-x64': ['darwin-x64', 'darwin-x64-baseline'],
  'darwin-arm64': ['darwin-arm64', 'darwin-aarch64'],
}
const here = others[`${platform}-${arch}`]
if (here !== undefined) {
  const [denoPackage, bunPackage] = [`@deno/${here[0]}`, `@oven/bun-${here[1]}`]
  const installed = join(folder, 'runtimes')
  const inside = (path: string) => join(installed, 'node_modules', path)
  runtimes.push(
    { name: 'Deno', program: inside(`${denoPackage}/deno`), args: ['run', '-A', '--no-lock'], version: deno },
    { name: 'Bun', program: inside(`${bunPackage}/bin/bun`), args: [], version: bun },
  )
  before(async () => {
    mkdirSync(installed)
    writeFileSync(join(installed, 'package.json'), '{"private":true}')
    const packages = [`${denoPackage}@${deno}`, `${bunPackage}@${bun}`]
    const quiet = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts']
    await run('npm', ['install', ...quiet, ...packages], { cwd: installed })
  })
}
test(
  'the compiled package is tried on Deno and on Bun, too',
  {
    skip: here === undefined && 'there is no Deno and no Bun for this machine in the registry',
  },
  () => assert.equal(runtimes.length, 4),
)

const kinds: [name: string, args: readonly string[]][] = [
  ['node:crypto', []],
  ['WebCrypto', ['--conditions=counterfoil-webcrypto']],
]
/** At least so many of each, so that a format that has changed does not pass as an empty one. */
const fewest = {
  ...{ tokens: 90, proofs: 100, 'key-sets': 15, 'feed-keys': 10 },
  ...{ credentials: 30, guard: 150, freshness: 30, verdicts: 150 },
}
const vectors = at('../../../vectors')
const env = { ...process.env, DENO_DIR: join(folder, 'deno'), DENO_NO_UPDATE_CHECK: '1' }

for (const { name, program, args, version } of runtimes) {
  const start = (...more: string[]) => run(program, [...args, ...more], { cwd: folder, env })

  test(`the tests of the compiled package on ${name} run on the version that they name`, async () => {
    const { stdout } = name === 'Deno' ? await run(program, ['--version'], { env }) : await start('--version')
    assert.ok(
      stdout
        .trim()
        .split(/[\s(]+/)
        .includes(version),
      stdout,
    )
  })

  for (const [kind, options] of kinds) {
    test(`the compiled package works on ${name} with ${kind}`, async () => {
      const { stdout } = await start(...options, 'application.js')
      assert.equal(stdout.trim(), `ok ${kind}`)
    })

    test(`the compiled package judges the public vectors on ${name} with ${kind}`, async () => {
      const { stdout } = await start(...options, 'vectors.js', vectors)
      const counts: Record<string, number> = JSON.parse(stdout)
      for (const [file, least] of Object.entries(fewest))
        assert.ok((counts[file] ?? 0) >= least, `${file}: ${counts[file]}`)
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
    const compiler = at('../../../node_modules/typescript/bin/tsc')
    const found = await run(process.execPath, [compiler, '-p', folder]).catch(
      (error: { stdout: string }) => error,
    )
    assert.equal(found.stdout, '')
  })
}
