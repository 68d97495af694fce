import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { freePort } from '../../../../tools/free-port.ts'
import { dataFolder, run } from '../testing/command.ts'

const modules = fileURLToPath(new URL('../../../../node_modules', import.meta.url))
const who = { email: 'ada@example.com', password: 'seven dull green boats' }

/** A project of somebody else, with what they have installed. */
function project(manifest: object, files: Record<string, string> = {}): string {
  const folder = dataFolder()
  symlinkSync(modules, join(folder, 'node_modules'))
  for (const [path, text] of Object.entries({ 'package.json': JSON.stringify(manifest), ...files })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return folder
}

const needs = (...names: string[]) => ({
  dependencies: Object.fromEntries(['counterfoil', ...names].map((name) => [name, '*'])),
})

async function init(folder: string) {
  const ran = await run(['init', '--json'], {}, folder)
  assert.equal(ran.code, 0, ran.err)
  return JSON.parse(ran.out) as { made: string[]; kept?: string[]; framework?: string; next?: string }
}

async function start(folder: string, program: string): Promise<string> {
  const port = await freePort()
  const env = { PATH: process.env.PATH, PORT: String(port) }
  const child = spawn(process.execPath, [program], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
  after(async () => {
    if (child.exitCode !== null) return
    child.kill()
    await once(child, 'exit')
  })
  let output = ''
  const hear = (chunk: Buffer) => {
    output += chunk.toString()
  }
  child.stdout.on('data', hear)
  child.stderr.on('data', hear)
  while (!output.includes('listening on')) {
    if (child.exitCode !== null) assert.fail(output)
    await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])
  }
  return `http://127.0.0.1:${port}`
}

/** Up to the route that init wrote, and as another site would. */
async function signIn(address: string): Promise<void> {
  const origin = address.replace('127.0.0.1', 'localhost')
  const post = (path: string, json: object) => {
    const headers = { 'content-type': 'application/json', origin }
    return fetch(address + path, { method: 'POST', headers, body: JSON.stringify(json) })
  }
  assert.equal((await post('/auth/sign-up', who)).status, 202)
  const mail = await fetch(`${address}/dev/mail`, { headers: { accept: 'application/json' } })
  const token = /token=([\w-]+)/.exec(await mail.text())?.[1]
  const verified = await post('/auth/verify-email', { token, password: who.password })
  const cookie = verified.headers
    .getSetCookie()
    .map((line) => line.split(';', 1)[0])
    .join('; ')
  assert.equal((await fetch(`${address}/me`)).status, 401)
  const me = await (await fetch(`${address}/me`, { headers: { cookie } })).json()
  assert.equal(me.account.email, who.email)
  const evil = { cookie, origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
  assert.equal((await fetch(`${address}/me`, { method: 'POST', headers: evil })).status, 403)
}

/** All that is in a folder; a link is no file, and is not followed. */
const everything = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .sort()
    .map((path) => [path, readFileSync(path, 'utf8')])

const frameworks: [framework: string, manifest: object, program: string][] = [
  ['express', { type: 'module', ...needs('express') }, 'server.js'],
  ['fastify', { type: 'module', ...needs('fastify', 'typescript') }, 'server.ts'],
  ['hono', needs('hono', '@hono/node-server'), 'server.mjs'],
  ['node', needs(), 'server.mjs'],
]
for (const [framework, manifest, program] of frameworks) {
  test(`in a project with ${framework} init makes a program that signs people in, and a second time nothing`, async () => {
    const folder = project(manifest)
    const begun = await init(folder)
    const auth = program.replace('server', 'auth')
    const notes = program.replace('server', 'notes')
    assert.equal(begun.framework, framework)
    const secrets = ['data/secret', 'data/secret.reserve', 'data/.gitignore']
    assert.deepEqual(begun.made, [...secrets, auth, notes, program])
    assert.match(begun.next ?? '', new RegExp(`node ${program}`))
    assert.equal(statSync(join(folder, 'data/secret')).mode & 0o777, 0o600)
    const before = everything(folder)
    const again = await init(folder)
    assert.deepEqual([again.made, again.kept], [[], ['data/.gitignore', auth]])
    assert.doesNotMatch(again.next ?? '', /Add to it/)
    assert.deepEqual(everything(folder), before)
    await signIn(await start(folder, program))
  })
}

const theirs = `import express from 'express'
const port = Number(process.env.PORT)
const app = express()
// here
app.listen(port, '127.0.0.1', () => console.log('listening on', port))
`
test('a program that is there is not touched, and the lines to add to it are right', async () => {
  const folder = project({ type: 'module', ...needs('express') }, { 'src/app.js': theirs })
  const begun = await init(folder)
  assert.deepEqual(begun.made.slice(3), ['src/auth.js'])
  assert.equal(readFileSync(join(folder, 'src/app.js'), 'utf8'), theirs)
  const lines = /^1\. src\/app\.js is as it was.*:\n((?: {4}.*\n)+)/.exec(begun.next ?? '')?.[1]
  assert.ok(lines !== undefined, begun.next)
  writeFileSync(join(folder, 'src/app.js'), theirs.replace('// here\n', lines))
  await signIn(await start(folder, 'src/app.js'))
})

test('whoever requires is told to wait for what cannot be required', async () => {
  const folder = project(needs('express'), { 'index.js': `const express = require('express')\n` })
  const { made, next = '' } = await init(folder)
  assert.deepEqual(made.slice(3), ['auth.mjs'])
  assert.match(next, /const \{ callerOf, required, serve \} = await import\('\.\/auth\.mjs'\)/)
})

test('whatever is there is kept: files, and what somebody else put in their place', async () => {
  const files = { 'auth.js': '// mine\n', 'data/.gitignore': '*\n' }
  const folder = project({ type: 'module', ...needs('express') }, files)
  symlinkSync(join(folder, 'elsewhere.js'), join(folder, 'server.js'))
  const { kept } = await init(folder)
  assert.deepEqual(kept, ['data/.gitignore', 'auth.js', 'server.js'])
  for (const [path, text] of Object.entries(files))
    assert.equal(readFileSync(join(folder, path), 'utf8'), text)
  assert.equal(existsSync(join(folder, 'elsewhere.js')), false)
})

test('a page without a server gets secrets and advice, and a project that does not have us a hint', async () => {
  const page = await init(project(needs('react', 'vite')))
  assert.deepEqual(page.made.slice(2), ['data/.gitignore'])
  assert.match(page.next ?? '', /npx counterfoil serve[\s\S]*createClient\(\{ carrier: 'cookie' \}\)/)
  const stranger = await init(project({ dependencies: { express: '*' } }))
  assert.equal(stranger.made.length, 2)
  assert.match(stranger.next ?? '', /npm install counterfoil/)
  const both = await init(project({ type: 'module', ...needs('react', 'express') }))
  assert.equal(both.framework, 'express')
  assert.match(both.next ?? '', /npm install @counterfoil\/browser/)
  const client = await init(project(needs('react', '@counterfoil/browser')))
  assert.match(client.next ?? '', /For the page\n/)
  const broken = await run(['init'], {}, project({}, { 'package.json': '{' }))
  assert.deepEqual([broken.code, /is not JSON/.test(broken.err)], [1, true])
})

test('with a data folder of its own, init is for a server and not for a project', async () => {
  const folder = project({ type: 'module', ...needs('express') })
  const ran = await run(['init', '--json', '--data', join(folder, 'elsewhere')], {}, folder)
  assert.deepEqual(Object.keys(JSON.parse(ran.out)), ['made'])
  assert.equal(existsSync(join(folder, 'auth.js')), false)
})

test('people are told what was made, what was kept, and what comes next', async () => {
  const folder = project({ type: 'module', ...needs('hono') }, { 'auth.js': '' })
  const { out } = await run(['init'], {}, folder)
  assert.match(out, /Found: hono\n {2}made {2}data\/secret\n/)
  assert.match(out, / {2}kept {2}auth\.js, as it was\n/)
  assert.match(out, /npm install @hono\/node-server\nnode server\.js/)
})

const nextTypes = `declare module 'next/headers' { export function headers(): Promise<Headers> }
declare module 'next' { export type NextConfig = { serverExternalPackages?: string[] } }
declare module 'next/server' { export const NextResponse: { next(): Response } }
`
// The compiler reads all of ours each time, so those that resolve alike are one program.
const compiled: [frameworks: readonly string[], resolving: object][] = [
  [['express', 'fastify', 'hono', 'node'], { module: 'nodenext' }],
  [['next'], { module: 'esnext', moduleResolution: 'bundler' }],
]
for (const [frameworks, resolving] of compiled) {
  test(`what init writes for ${frameworks.join(', ')} in TypeScript passes a strict compiler`, async () => {
    const compilerOptions = {
      ...{ target: 'es2024', lib: ['es2024', 'dom', 'dom.iterable'], types: ['node'], noEmit: true },
      ...{ strict: true, allowImportingTsExtensions: true, skipLibCheck: true, ...resolving },
    }
    const folders = await Promise.all(
      frameworks.map(async (framework) => {
        const config = { compilerOptions, include: ['**/*.ts'], exclude: ['node_modules'] }
        const files = { 'tsconfig.json': JSON.stringify(config), 'types.d.ts': nextTypes }
        const manifest = { type: 'module', ...needs(...(framework === 'node' ? [] : [framework])) }
        const folder = project(manifest, files)
        const { made } = await init(folder)
        assert.equal(made.filter((path) => path.endsWith('.ts')).length, 3, framework)
        return folder
      }),
    )
    const [first = ''] = folders
    const include = folders.map((folder) => `${folder}/**/*.ts`)
    const exclude = folders.map((folder) => `${folder}/node_modules`)
    writeFileSync(join(first, 'tsconfig.json'), JSON.stringify({ compilerOptions, include, exclude }))
    const compiler = join(modules, 'typescript/bin/tsc')
    const failed = (error: { stdout: string }) => assert.fail(error.stdout)
    const { stdout } = await promisify(execFile)(process.execPath, [
      ...[compiler, '-p', first, '--listFilesOnly'],
    ])
    for (const folder of folders)
      assert.ok(stdout.includes(join(folder, 'auth.ts')) || frameworks.includes('next'))
    await promisify(execFile)(process.execPath, [compiler, '-p', first]).catch(failed)
  })
}
