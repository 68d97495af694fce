import { execFileSync } from 'node:child_process'
import type { KeyObject } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const folder = join(import.meta.dirname, 'peers')

type Sync = (token: string) => { readonly sub?: unknown }
type FastJwt = {
  createVerifier(options: {
    key: string
    algorithms: string[]
    allowedIss: string
    allowedAud: string
    cache: number | false
  }): Sync
}
type JsonWebToken = {
  verify(
    token: string,
    key: KeyObject,
    options: { algorithms: string[]; issuer: string; audience: string },
  ): { readonly sub?: unknown }
}
type Jose = {
  importJWK(jwk: object, algorithm: string): Promise<CryptoKey>
  jwtVerify(
    token: string,
    key: CryptoKey,
    options: { algorithms: string[]; issuer: string; audience: string; typ: string },
  ): Promise<{ readonly payload: { readonly sub?: unknown } }>
}

export type Peers = { readonly fastJwt: FastJwt; readonly jsonWebToken: JsonWebToken; readonly jose: Jose }

/** They are nobody's dependency: a plain install of the house brings none of them. */
export function installPeers(): void {
  const wanted = Object.entries(peerVersions())
  if (wanted.every(([name, version]) => installedVersion(name) === version)) return
  console.log(`installing ${wanted.map(([name, version]) => `${name} ${version}`).join(', ')} (npm ci)`)
  execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder, stdio: 'inherit' })
}

export function peerVersions(): Record<string, string> {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>
  }
  return manifest.dependencies
}

function installedVersion(name: string): string | null {
  const path = join(folder, 'node_modules', name, 'package.json')
  if (!existsSync(path)) return null
  const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version: string }
  return version
}

/** Their types are not here to be checked against, so they are named once, as far as they are used. */
export function loadPeers(): Peers {
  const load = createRequire(join(folder, 'package.json'))
  return {
    fastJwt: load('fast-jwt') as FastJwt,
    jsonWebToken: load('jsonwebtoken') as JsonWebToken,
    jose: load('jose') as Jose,
  }
}

export const peerName = (name: string) => `${name} ${installedVersion(name)}`
