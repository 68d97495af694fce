import { existsSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'

const home = new URL('.', import.meta.resolve('@counterfoil/browser'))
const stripped = new Map<string, string>()

/**
 * A module of `@counterfoil/browser` as the page imports it. There is no build here: a browser runs the sources once
 * their types are gone. An application has its bundler do this.
 */
export function clientModule(name: string): Response | null {
  if (!/^[a-z-]+\.ts$/.test(name)) return null
  const file = new URL(name, home)
  if (!existsSync(file)) return null
  const code = stripped.get(name) ?? stripTypeScriptTypes(readFileSync(file, 'utf8'))
  stripped.set(name, code)
  return new Response(code, { headers: { 'content-type': 'text/javascript; charset=utf-8' } })
}
