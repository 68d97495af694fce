import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const here = import.meta.dirname
const sources = readdirSync(here).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))

/** What our examples and our server are called, what they are asked for, and what their cookies are named. */
const ours: [what: string, names: RegExp][] = [
  ['a host of the demo', /\b(?:bank|textbook)\b/i],
  ['a person of the demo or of a test', /\b(?:ada|bea|bob|eve|mallory)\b/i],
  ['a cookie', /__Host-Http-session|connect\.sid|__Host-sid/i],
  ['a route', /['"`\s]\/(?:auth|oauth|payments?|pay|balance|me|login|logout|refresh|transfers?)\b/],
]

test('nothing of the kit knows one of our examples by name', () => {
  assert.ok(sources.length > 20)
  for (const source of sources) {
    // What explains is no code.
    const code = readFileSync(join(here, source), 'utf8').replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
    for (const [what, names] of ours) {
      assert.equal(names.exec(code)?.[0], undefined, `${source} names ${what}`)
    }
  }
})

test('what is looked for would be found', () => {
  const planted = ["'http://bank.localhost'", "'ada@example.com'", "'__Host-Http-session'", "'/auth/sign-in'"]
  for (const [at, [what, names]] of ours.entries()) assert.match(planted[at] ?? '', names, what)
})
