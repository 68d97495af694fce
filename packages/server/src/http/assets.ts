import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

const kinds = {
  'style.css': 'text/css; charset=utf-8',
  'page.js': 'text/javascript; charset=utf-8',
  'icon.svg': 'image/svg+xml',
} as const

export type AssetName = keyof typeof kinds

const loaded = new Map<string, { path: string; body: string; type: string }>()

for (const [name, type] of Object.entries(kinds)) {
  const body = readFileSync(new URL(`./assets/${name}`, import.meta.url), 'utf8')
  const hash = createHash('sha256').update(body).digest('hex').slice(0, 8)
  const dot = name.lastIndexOf('.')
  loaded.set(name, { path: `/assets/${name.slice(0, dot)}.${hash}${name.slice(dot)}`, body, type })
}

/** What pages load, by path. A path names its content, so an answer may be kept for ever. */
export const assets: ReadonlyMap<string, { body: string; type: string }> = new Map(
  [...loaded.values()].map(({ path, body, type }) => [path, { body, type }]),
)

/** The path of an asset as pages write it. */
export function assetPath(name: AssetName): string {
  const asset = loaded.get(name)
  if (asset === undefined) throw new Error(`there is no asset called ${name}`)
  return asset.path
}
