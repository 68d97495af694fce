// Why: everything else runs from the sources. Here the three packages are packed, installed by npm into projects of
// their own, outside the checkout, and used as somebody uses them who has never seen it.
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { compiledIn } from './compiled-in.ts'
import { freePort } from './free-port.ts'
import { fileLinks } from './markdown.ts'
import { type PackageFolder, packAll, packageFolders } from './pack.ts'
import { repositoryRoot } from './source.ts'

const run = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), 'counterfoil-installed-'))
const project = (name: string) => join(folder, name)
const tool = (name: string) => join(repositoryRoot, 'node_modules/.bin', name)
let tarballs: Record<PackageFolder, string>

/** The oldest compiler that we answer for, and what a service in TypeScript has beside us. */
const beside = [
  ...['typescript@5.9.3', '@types/node@24.19.2', 'express@5.3.0', '@types/express@5.0.6'],
  ...['fastify@5.12.8', 'hono@4.13.19', 'react@19.3.1', '@types/react@19.3.0', 'esbuild@0.28.2'],
]

async function install(name: string, others: readonly string[]): Promise<void> {
  mkdirSync(project(name))
  writeFileSync(join(project(name), 'package.json'), '{ "private": true, "type": "module" }')
  for (const file of readdirSync(join(repositoryRoot, 'tools/installed')))
    cpSync(join(repositoryRoot, 'tools/installed', file), join(project(name), file))
  const quiet = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts', '--fetch-retries=5']
  await run('npm', ['install', ...quiet, ...Object.values(tarballs), ...others], { cwd: project(name) })
}

before(async () => {
  tarballs = await packAll(join(folder, 'packed'))
  await Promise.all([install('javascript', []), install('typescript', beside)])
})
after(() => rmSync(folder, { recursive: true, force: true }))

for (const name of packageFolders) {
  test(`publint and attw find no fault in ${name}`, async () => {
    await run(tool('publint'), ['--strict', tarballs[name]])
    await run(tool('attw'), ['--profile', 'esm-only', '--format', 'ascii', '--no-emoji', tarballs[name]])
  })

  test(`${name} holds no source that Node would have to strip; every door has types, every module a map of its sources`, () => {
    const packed = join(folder, 'packed', name)
    const files = readdirSync(packed, { recursive: true, encoding: 'utf8' })
    assert.deepEqual(
      files.filter((file) => /(?<!\.d)\.ts$|(?:^|\/)testing\/|\.test\./.test(file)),
      [],
    )
    for (const file of ['README.md', 'LICENSE', 'package.json']) assert.ok(files.includes(file), file)
    const readme = readFileSync(join(packed, 'README.md'), 'utf8')
    for (const { target } of fileLinks(readme)) assert.ok(files.includes(target), `README.md: ${target}`)
    const modules = files.filter((file) => file.endsWith('.js') && !/^bin\/|\/assets\//.test(file))
    assert.ok(modules.length > 10)
    const { exports } = JSON.parse(readFileSync(join(packed, 'package.json'), 'utf8'))
    const doors: readonly string[] = JSON.stringify(exports).match(/[^"]+\.(?:js|d\.ts)(?=")/g) ?? []
    for (const door of doors) {
      assert.ok(files.includes(door.replace('./', '')), door)
      assert.ok(doors.includes(door.replace(/(?:\.d\.ts|\.js)$/, '.d.ts')), door)
    }
    for (const file of modules) {
      const { sources, sourcesContent } = JSON.parse(readFileSync(join(packed, `${file}.map`), 'utf8'))
      assert.equal(sources.length, sourcesContent.length, file)
      assert.ok(
        sourcesContent.every((text: unknown) => typeof text === 'string'),
        file,
      )
    }
  })

  test(`npm pack in the folder of the sources of ${name} says where the package is made`, async () => {
    const from = join(repositoryRoot, 'packages', name)
    const packing = run('npm', ['pack', '--dry-run'], { cwd: from })
    await assert.rejects(packing, /npm run pack/)
  })
}

/** As the compiler writes what a module imports, now or later; the programs that `init` writes quote theirs otherwise. */
const imports = /^(?:import|export|\})[^"\n]*"([@a-z][\w./:-]*)";$|\bimport\("([@a-z][\w./:-]*)"\)/gm
const packageOf = (path: string) => path.split('/', path.startsWith('@') ? 2 : 1).join('/')

for (const name of ['verifier', 'server'] as const) {
  const packed = join(folder, 'packed', name)
  const modules = () =>
    readdirSync(packed, { recursive: true, encoding: 'utf8' }).filter(
      (file) => file.endsWith('.js') && !file.includes('assets'),
    )

  test(`what is compiled into ${name} is told with its version and its licence, and nobody installs or imports it`, () => {
    const { dependencies = {} } = JSON.parse(readFileSync(join(packed, 'package.json'), 'utf8'))
    const imported = modules().flatMap((file) =>
      [...readFileSync(join(packed, file), 'utf8').matchAll(imports)].map(([, now, later]) =>
        packageOf(now ?? later ?? ''),
      ),
    )
    assert.ok(imported.includes(name === 'server' ? 'pg' : 'node:crypto'))
    for (const one of imported)
      assert.ok(isBuiltin(one) || one in dependencies, `${one} is not installed with ${name}`)
    const meant: readonly string[] = compiledIn[name]
    for (const one of meant) {
      assert.ok(!(one in dependencies), one)
      const { version } = JSON.parse(
        readFileSync(join(repositoryRoot, 'node_modules', one, 'package.json'), 'utf8'),
      )
      const { components } = JSON.parse(readFileSync(join(packed, 'compiled-in.cdx.json'), 'utf8'))
      const told = components.find((component: { name: string }) => component.name === one)
      assert.equal(told?.version, version)
      const page = readFileSync(join(packed, 'COMPILED-IN.md'), 'utf8')
      assert.ok(page.includes(`## ${one} ${version} (MIT)\n\n\`\`\`text\n`), one)
    }
  })

  test(`what a module of ${name} looks for beside itself is there`, () => {
    for (const file of modules()) {
      const text = readFileSync(join(packed, file), 'utf8')
      for (const [, beside = ''] of text.matchAll(/new URL\(`\.\/([\w-]+)/g)) {
        const found = readdirSync(join(packed, dirname(file))).some((one) => one.startsWith(beside))
        assert.ok(found, `${file} looks for ${beside}`)
      }
    }
  })
}

test('a start opens few files, and none of an engine, a mailer or a document that nobody asked for', async () => {
  const program = `import { registerHooks } from 'node:module'
    const opened = []
    registerHooks({ load: (url, context, next) => (opened.push(url), next(url, context)) })
    const { createAuth } = await import('counterfoil')
    await import('counterfoil/node')
    const options = { issuer: 'http://localhost:3000', database: 'sqlite:few.db', secret: 'x'.repeat(43) }
    await (await createAuth(options)).close()
    console.log(JSON.stringify(opened.filter((url) => url.startsWith('file:'))))`
  const options = ['--input-type=module', '--eval', program]
  const begin = () => run(process.execPath, options, { cwd: project('javascript') })
  // The first has tables to make.
  await begin()
  const opened: string[] = JSON.parse((await begin()).stdout)
  assert.ok(opened.length <= 24, opened.join('\n'))
  assert.deepEqual(
    opened.filter((url) => /node_modules\/(?:pg|nodemailer|commander|bcryptjs|@zxcvbn-ts)\//.test(url)),
    [],
  )
  assert.deepEqual(
    opened.filter((url) => /\/chunks\/(?:postgres|openapi|migration)-/.test(url)),
    [],
  )
})

test('an error in an installed server names the sources with `--enable-source-maps`', async () => {
  const program = `const { createAuth } = await import('counterfoil')
    const options = { issuer: 'http://localhost:3000', database: 'sqlite::memory:', secret: 'x'.repeat(43) }
    await createAuth({ ...options, policy: { passwordMinimum: 3 } }).catch(({ stack }) => console.log(stack))`
  const options = ['--enable-source-maps', '--input-type=module', '--eval', program]
  const { stdout } = await run(process.execPath, options, { cwd: project('javascript') })
  assert.match(stdout, /passwordMinimum: Too small: expected number to be >=8/)
  assert.match(stdout, /at parsePolicy \(.*counterfoil[/\\]src[/\\]policy\.ts:\d+/)
})

test('the installed test kit signs somebody in', async () => {
  const program = `const { createTestAuth } = await import('counterfoil/testing')
    const auth = await createTestAuth()
    const ada = await auth.loginAs('ada@example.org')
    console.log((await auth.identify(ada.request('/'))).account.email)`
  const options = ['--input-type=module', '--eval', program]
  const { stdout } = await run(process.execPath, options, { cwd: project('javascript') })
  assert.equal(stdout, 'ada@example.org\n')
})

/** Starts a program in a project and answers the address that it listens on, and after how long. */
async function start(
  args: readonly string[],
  { command = process.execPath, cwd = project('javascript'), env = process.env } = {},
): Promise<{ address: string; milliseconds: number }> {
  const began = performance.now()
  // In a group of its own, which ends as one: a shell does not take its children along.
  const program = spawn(command, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'inherit'] })
  after(async () => {
    if (program.pid === undefined || program.exitCode !== null) return
    process.kill(-program.pid)
    await once(program, 'exit')
  })
  let output = ''
  program.stdout.on('data', (chunk) => {
    output += chunk
  })
  for (;;) {
    const port = /listening .*?(?:port: |:)(\d+)/.exec(output)?.[1]
    const milliseconds = performance.now() - began
    if (port !== undefined) return { address: `http://127.0.0.1:${port}`, milliseconds }
    if (program.exitCode !== null) throw new Error(`the program ended: ${output}`)
    await Promise.race([once(program.stdout, 'data'), once(program, 'exit')])
  }
}

/** From nobody to somebody: the mail, the link, the cookie, the own route. */
async function signIn(
  address: string,
  given: { path: string; guarded: string; origin: string },
): Promise<string> {
  const who = { email: 'ada@example.com', password: 'seven dull green boats' }
  const post = (path: string, json: object) => {
    const headers = { 'content-type': 'application/json', origin: given.origin }
    return fetch(address + path, { method: 'POST', headers, body: JSON.stringify(json) })
  }
  assert.equal((await post('/auth/sign-up', who)).status, 202)
  const mail = await fetch(`${address}/dev/mail`, { headers: { accept: 'application/json' } })
  const token = /token=([\w-]+)/.exec(await mail.text())?.[1]
  assert.equal((await post('/auth/verify-email', { ...who, token })).status, 200)
  const signedIn = await post('/auth/sign-in', who)
  assert.equal(signedIn.status, 200)
  const cookie = signedIn.headers
    .getSetCookie()
    .map((line) => line.split(';', 1)[0])
    .join('; ')
  const found = await (await fetch(address + given.path, { headers: { cookie } })).json()
  assert.equal(found.account.email, who.email)
  const forged = { cookie, origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
  assert.equal((await fetch(address + given.guarded, { method: 'POST', headers: forged })).status, 403)
  return cookie
}

test('a program in plain JavaScript, with nothing installed but the packages, signs a person in', async () => {
  const { address } = await start(['application.js'])
  await signIn(address, { path: '/me', guarded: '/me', origin: 'http://localhost:3000' })
})

test('the installed command serves, and how soon', async () => {
  const command = join(project('javascript'), 'node_modules/.bin/counterfoil')
  const serve = (program: string, data: string) => [program, 'serve', '--port', '0', '--data', data]
  const compiled = await start(serve(command, 'data'))
  const sources = join(repositoryRoot, 'packages/server/bin/counterfoil.js')
  const stripped = await start(serve(sources, 'other'))
  console.log(
    `serving after ${Math.round(compiled.milliseconds)} ms compiled, ${Math.round(stripped.milliseconds)} ms from the sources`,
  )
  const origin = `http://localhost:${new URL(compiled.address).port}`
  await signIn(compiled.address, { path: '/auth/session', guarded: '/auth/sign-out', origin })
})

/** The very commands of a page, with the packages and the checkout of this run in the place of the reader's own. */
function commandsOf(name: string): string {
  const script = readFileSync(join(repositoryRoot, 'examples/quickstarts', name), 'utf8')
  const commands = script.replaceAll('~/counterfoil/dist', join(folder, 'packed'))
  assert.notEqual(commands, script)
  return commands.replaceAll('~/counterfoil', repositoryRoot)
}

test('the commands of a quickstart, as they stand, lead from an empty folder to somebody signed in, whom a protected API in another process knows', async () => {
  const npm = {
    ...{ npm_config_prefer_offline: 'true', npm_config_fetch_retries: '5' },
    ...{ npm_config_audit: 'false', npm_config_fund: 'false' },
  }
  const path = `${dirname(process.execPath)}:${process.env.PATH}`
  const port = String(await freePort())
  const issuer = `http://localhost:${port}`
  const env = { ...process.env, ...npm, npm_config_ignore_scripts: 'true', PATH: path, PORT: port }
  const { address } = await start(['-ec', commandsOf('express/begin.sh')], {
    command: 'sh',
    cwd: folder,
    env,
  })
  const cookie = await signIn(address, { path: '/me', guarded: '/notes', origin: issuer })

  const beside = { command: 'sh', cwd: project('notes-express') }
  const own = { ...env, ISSUER: issuer, PORT: String(await freePort()) }
  const api = await start(['-ec', commandsOf('express/api.sh')], { ...beside, env: own })
  const ask = (headers: Record<string, string>) => fetch(`${api.address}/invoices`, { headers })
  assert.equal((await ask({})).status, 401)
  assert.equal((await (await ask({ cookie })).json()).carrier, 'cookie')
  assert.deepEqual(readdirSync(join(project('invoices'), 'node_modules')).toSorted(), [
    '.package-lock.json',
    '@counterfoil',
  ])
})

const compilers: [name: string, program: () => string, resolutions: readonly string[]][] = [
  ['7', () => join(repositoryRoot, 'node_modules/typescript/bin/tsc'), ['nodenext', 'bundler']],
  ['5.9', () => join(project('typescript'), 'node_modules/typescript/bin/tsc'), ['nodenext']],
]
const strict = {
  ...{ target: 'es2024', lib: ['es2024', 'dom', 'dom.iterable'], types: ['node'], noEmit: true },
  ...{ strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, skipLibCheck: false },
}

async function check(given: { compiler: string; file: string; options: object }) {
  const config = join(project('typescript'), `tsconfig.${given.file}.json`)
  writeFileSync(config, JSON.stringify({ compilerOptions: given.options, files: [given.file] }))
  const began = performance.now()
  const args = [given.compiler, '-p', config, '--listFiles']
  const failed = (error: { stdout: string }) => assert.fail(error.stdout)
  const { stdout } = await run(process.execPath, args, { maxBuffer: 64_000_000 }).catch(failed)
  return { files: stdout.split('\n').filter(Boolean), seconds: (performance.now() - began) / 1000 }
}

for (const [name, program, resolutions] of compilers) {
  for (const moduleResolution of resolutions) {
    test(`TypeScript ${name}, strict and resolving as ${moduleResolution}, takes every door`, async () => {
      const module = moduleResolution === 'bundler' ? 'esnext' : moduleResolution
      const options = { ...strict, module, moduleResolution }
      await check({ compiler: program(), file: 'every-door.ts', options })
    })
  }
}

test('an application has a few declarations of ours to read, and those of no dependency', async () => {
  // As most projects have it: the libraries of others are taken at their word.
  const options = { ...strict, module: 'nodenext', skipLibCheck: true }
  const compiler = join(repositoryRoot, 'node_modules/typescript/bin/tsc')
  const bare = await check({ compiler, file: 'bare.ts', options })
  const ours = await check({ compiler, file: 'application.ts', options })
  const added = ours.files.filter((file) => !bare.files.includes(file) && !file.endsWith('application.ts'))
  const known = /\/node_modules\/(?:counterfoil|@counterfoil\/verifier)\/[\w-]+\.d\.ts$/
  assert.ok(added.some((file) => file.endsWith('counterfoil/contract.d.ts')))
  assert.deepEqual(
    added.filter((file) => !known.test(file)),
    [],
  )
  console.log(
    `types checked in ${bare.seconds.toFixed(2)} s without us, ${ours.seconds.toFixed(2)} s with us: ${added.length} files`,
  )
})

test('a bundler makes one small file of the browser client, which loads anywhere', async () => {
  const made = join(project('typescript'), 'page.js')
  const esbuild = join(project('typescript'), 'node_modules/esbuild/bin/esbuild')
  const options = ['page.ts', '--bundle', '--format=esm', '--minify', `--outfile=${made}`]
  await run(process.execPath, [esbuild, ...options], { cwd: project('typescript') })
  const size = gzipSync(readFileSync(made), { level: 9 }).byteLength
  assert.ok(size < 6 * 1024, `${size} bytes`)
  const { auth } = await import(pathToFileURL(made).href)
  assert.equal(typeof auth.signIn, 'function')
  auth.close()
})
