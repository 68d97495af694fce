// Why: an adapter that was never run in a real Next.js is a guess. The packages are packed and installed beside the
// application, outside the checkout; npm's registry is asked for them, and nobody else for anything.
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { launchProfile } from '../../../tools/chromium.ts'
import { freePort } from '../../../tools/free-port.ts'
import { packAll } from '../../../tools/pack.ts'
import { type Forger, openForger } from '../../frameworks/forger.ts'
import { begin, who } from '../testing/project.ts'
import { walk } from './walk.ts'

const run = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), 'counterfoil-next-'))
let app: string
let made: readonly string[]
let installed: readonly string[]
const env = { ...process.env, NEXT_TELEMETRY_DISABLED: '1' }
const next = 'node_modules/next/dist/bin/next'
const quiet = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts', '--fetch-retries=5']

async function timed<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
  const began = performance.now()
  const result = await work()
  console.log(`${name}: ${((performance.now() - began) / 1000).toFixed(1)} s`)
  return result
}

before(async () => {
  const begun = await begin('next', 'next dev')
  app = begun.folder
  made = begun.made
  // What npm installs is what the lockfile says, so that a new release of somebody else fails no test.
  installed = Object.keys(JSON.parse(readFileSync(join(app, 'package.json'), 'utf8')).dependencies)
  unlinkSync(join(app, 'node_modules'))
  for (const file of ['package.json', 'package-lock.json'])
    cpSync(join(import.meta.dirname, file), join(app, file))
  const [{ verifier, server }] = await timed('pack, and npm ci', () =>
    Promise.all([packAll(join(folder, 'packed')), run('npm', ['ci', ...quiet], { cwd: app })]),
  )
  const packages = ['install', '--no-save', ...quiet, verifier, server]
  await timed('npm install', () => run('npm', packages, { cwd: app }))
})
after(() => rmSync(folder, { recursive: true, force: true }))

/** In a group of its own, which ends with the walk: Next.js starts processes of its own. */
async function walkThrough(command: 'dev' | 'start', more = async (_: string) => {}): Promise<void> {
  const port = String(await freePort())
  const server = spawn(process.execPath, [next, command, '-p', port, '-H', '127.0.0.1'], {
    ...{ cwd: app, detached: true, stdio: ['ignore', 'pipe', 'pipe'] },
    env: { ...env, PORT: port },
  })
  let output = ''
  for (const stream of [server.stdout, server.stderr])
    stream.on('data', (chunk) => {
      output += chunk
    })
  try {
    while (!output.includes('Ready')) {
      if (server.exitCode !== null) throw new Error(`next ${command} ended:\n${output}`)
      await Promise.race([once(server.stdout, 'data'), once(server, 'exit')])
    }
    const origin = `http://localhost:${port}`
    await walk({ origin, printed: () => output })
    await more(origin)
  } finally {
    if (server.pid !== undefined && server.exitCode === null) {
      process.kill(-server.pid, 'SIGTERM')
      await once(server, 'exit')
    }
  }
}

/** By the action of the page and by a form that names none, with the person's own note before and after. */
async function forgeAt({ context, forge }: Forger, origin: string): Promise<void> {
  const page = await context.newPage()
  await page.goto(`${origin}/sign-in`)
  await page.fill('input[name=email]', who.email)
  await page.fill('input[name=password]', who.password)
  await page.click('form button.primary')
  await page.waitForURL(`${origin}/account`)
  await page.goto(origin)
  await page.fill('[name=note]', 'toast')
  await page.click('button')
  await page.getByText('toast').waitFor()
  const notes = async () => {
    await page.goto(origin)
    return page.locator('li').allTextContents()
  }
  const before = await notes()
  assert.ok(before.includes('toast'))
  const action = /name="(\$ACTION_ID_\w+)"/.exec(await (await page.request.get(origin)).text())?.[1] ?? ''
  assert.notEqual(action, '')
  await forge({ url: `${origin}/`, fields: { [action]: '', note: 'mallory' } })
  assert.deepEqual(await notes(), before)
}

const own = (path: string) => readFileSync(join(import.meta.dirname, path), 'utf8')

test('what init writes for this application is what is shown', async () => {
  const empty = join(folder, 'empty')
  mkdirSync(empty)
  writeFileSync(
    join(empty, 'package.json'),
    JSON.stringify({ type: 'module', dependencies: { next: '16.4.6', counterfoil: '0.1.0' } }),
  )
  writeFileSync(join(empty, 'tsconfig.json'), '{}')
  await run(process.execPath, [join(app, 'node_modules/counterfoil/bin/counterfoil.js'), 'init'], {
    cwd: empty,
  })
  for (const file of ['app/counterfoil.ts', 'proxy.ts', 'next.config.ts'])
    assert.equal(readFileSync(join(empty, file), 'utf8'), own(file), file)
})

test('the commands of the page bring everything that the application has and needs', () => {
  assert.deepEqual(made.slice(3), ['next.config.ts', 'proxy.ts'])
  const files = readdirSync(join(import.meta.dirname, 'app'), { recursive: true, encoding: 'utf8' })
  const shown = files.filter((file) => /\.tsx?$/.test(file)).map((file) => join('app', file))
  for (const file of [...shown, ...made.slice(3)])
    assert.equal(readFileSync(join(app, file), 'utf8'), own(file), file)
  const { dependencies, devDependencies } = JSON.parse(own('package.json'))
  const needed = ['counterfoil', ...Object.keys({ ...dependencies, ...devDependencies })]
  assert.deepEqual(installed.toSorted(), needed.toSorted())
})

test('next build opens nothing, and what it made lets in whom it should and is forged at by no page elsewhere', async () => {
  const building = () => run(process.execPath, [next, 'build'], { cwd: app, env })
  const { stdout, stderr } = await timed('next build', building)
  // A path that is not known at build time puts the whole project into what is deployed, the secrets too.
  assert.doesNotMatch(stdout + stderr, /warning/i)
  assert.equal(existsSync(join(app, 'data/counterfoil.db')), false)
  const forger = await openForger(await launchProfile(join(folder, 'browser')))
  try {
    const work = () => walkThrough('start', (origin) => forgeAt(forger, origin))
    await timed('next start, the walk, and forgeries in a browser', work)
  } finally {
    await forger.close()
  }
})

test('next dev does the same', async () => {
  for (const file of ['counterfoil.db', 'counterfoil.db-wal', 'counterfoil.db-shm'])
    rmSync(join(app, 'data', file), { force: true })
  await timed('next dev, and the walk', () => walkThrough('dev'))
})
