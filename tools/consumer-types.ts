// Why: an engine whose public types drag a database builder and a router behind them makes every editor of every
// application slow. This emits the declarations that would be published, type-checks a small application against them,
// and tells which files the compiler had to read, and how much longer it took than an application without us.
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { promisify } from 'node:util'
import { conclude, repositoryRoot } from './source.ts'

const application = `import { createAuth } from 'counterfoil'
const auth = await createAuth({ issuer: 'https://bank.example', database: 'sqlite:auth.db', secret: 's' })
export const answer = (request: Request): Promise<Response> => auth.fetch(request)
export const who = async (request: Request): Promise<string | undefined> => (await auth.identify(request))?.account.id
`
const bare = `export const answer = (request: Request): Response => new Response(request.url)\n`

export type ConsumerTypes = { files: string[]; seconds: { bare: number; application: number } }

export async function measureConsumer(root: string): Promise<ConsumerTypes> {
  const folder = mkdtempSync(join(root, 'node_modules/.cache-types-'))
  try {
    const project = (name: string, extra: object, files: string[]) => {
      const compilerOptions = { incremental: false, types: ['node'], ...extra }
      const config = { extends: join(root, 'tsconfig.json'), compilerOptions, include: [], files }
      writeFileSync(join(folder, name), JSON.stringify(config))
      return join(folder, name)
    }
    const doors = { counterfoil: 'server', '@counterfoil/verifier': 'verifier' }
    const sources = Object.values(doors).map((name) => join(root, `packages/${name}/src/index.ts`))
    // By path: what is found through node_modules counts as somebody else's, and nothing is emitted for it.
    const ours = { '@counterfoil/verifier': [join(root, 'packages/verifier/src/index.ts')] }
    const declarations = { noEmit: false, declaration: true, emitDeclarationOnly: true }
    const emit = { ...declarations, outDir: 'types', rootDir: root, paths: ours }
    await compile(project('emit.json', emit, sources))
    const paths = Object.fromEntries(
      Object.entries(doors).map(([name, at]) => [name, [`./types/packages/${at}/src/index.d.ts`]]),
    )
    writeFileSync(join(folder, 'application.ts'), application)
    writeFileSync(join(folder, 'bare.ts'), bare)
    const without = await compile(project('bare.json', {}, ['bare.ts']))
    const withUs = await compile(project('application.json', { paths }, ['application.ts']))
    const read = withUs.files.filter((file) => !without.files.includes(file))
    const files = read
      .map((file) => relative(join(folder, 'types'), file))
      .filter((file) => !file.startsWith('../application'))
    return { files: files.sort(), seconds: { bare: without.seconds, application: withUs.seconds } }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function compile(project: string): Promise<{ files: string[]; seconds: number }> {
  const compiler = join(repositoryRoot, 'node_modules/typescript/bin/tsc')
  const began = performance.now()
  const { stdout } = await promisify(execFile)(process.execPath, [compiler, '-p', project, '--listFiles'], {
    maxBuffer: 64 * 1024 * 1024,
  })
  return { files: stdout.split('\n').filter(Boolean), seconds: (performance.now() - began) / 1000 }
}

/** Every file beyond our own declarations is a dependency that an application would have to read. */
export function strangers({ files }: ConsumerTypes): string[] {
  return files.filter((file) => !/^packages\/(?:server|verifier)\/src\/[\w-]+\.d\.ts$/.test(file))
}

if (import.meta.main) {
  const measured = await measureConsumer(repositoryRoot)
  const { bare: before, application: after } = measured.seconds
  console.log(
    `without us ${before.toFixed(2)} s, with us ${after.toFixed(2)} s, added ${(after - before).toFixed(2)} s`,
  )
  console.log(measured.files.join('\n'))
  conclude(
    'consumer types',
    strangers(measured).map((file) => ({
      file,
      line: 1,
      message: 'an application has to read this; keep it out of contract.ts',
    })),
  )
}
