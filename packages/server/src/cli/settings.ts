import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { readEnvironment } from '../node/environment.ts'
import { readRootSecret } from '../node/secret-file.ts'
import { type Policy, parsePolicy } from '../policy.ts'

const longestDrainSeconds = 300
const largestPool = 200

/** Flags of the command line; a flag counts before its environment variable, and that before the default. */
export type Flags = {
  data?: string
  database?: string
  issuer?: string
  port?: string
  host?: string
  json?: boolean
}

export type Settings = {
  data: string
  database: string
  /** Connections to PostgreSQL that write. */
  databasePool: number
  /** `null`: derived from the port, for development on this machine. */
  issuer: string | null
  port: number
  host: string
  policyPath: string
  /** Named by somebody, so it has to be there. */
  isPolicyNamed: boolean
  secretPath: string
  reservePath: string
  smtp: string | null
  mailFrom: string | null
  metricsToken: string | null
  /** How long a server that stops goes on serving while /readyz says that it is not ready. */
  drainSeconds: number
}

export function readSettings(flags: Flags): Settings {
  const env = readEnvironment()
  const data = resolve(flags.data ?? env.data ?? './data')
  const secretPath = env.secretFile ?? join(data, 'secret')
  return {
    data,
    database: flags.database ?? env.database ?? `sqlite:${join(data, 'counterfoil.db')}`,
    databasePool: parsePool(env.databasePool ?? '10'),
    issuer: flags.issuer ?? env.issuer,
    port: parsePort(flags.port ?? env.port ?? '3000'),
    host: flags.host ?? env.host ?? '127.0.0.1',
    policyPath: env.policy ?? join(data, 'policy.json'),
    isPolicyNamed: env.policy !== null,
    secretPath,
    reservePath: `${secretPath}.reserve`,
    smtp: env.smtp,
    mailFrom: env.mailFrom,
    metricsToken: env.metricsToken,
    drainSeconds: parseDrain(env.drainSeconds ?? '0'),
  }
}

/** The file of a SQLite database; `null` for one that has none. */
export function sqliteFile({ database }: Settings): string | null {
  return /^sqlite:(?!:memory:)(.+)$/.exec(database)?.[1] ?? null
}

export function makeDataFolder({ data }: Settings): void {
  mkdirSync(data, { recursive: true, mode: 0o700 })
}

/** The policy file if there is one; whatever cannot be read or understood does not start. */
export function readPolicy({ policyPath, isPolicyNamed }: Settings): Policy {
  if (!isPolicyNamed && !existsSync(policyPath)) return parsePolicy({})
  try {
    return parsePolicy(JSON.parse(readFileSync(policyPath, 'utf8')))
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`${policyPath} (COUNTERFOIL_POLICY): ${reason}`, { cause })
  }
}

export function readSecret({ secretPath }: Settings): Uint8Array {
  if (!existsSync(secretPath)) {
    throw new Error(
      `There is no root secret at ${secretPath}. Bring back the one that belongs to the database, name it in COUNTERFOIL_SECRET_FILE, or begin anew with \`counterfoil init\`.`,
    )
  }
  return readRootSecret(secretPath)
}

/** How to get at the reserve secret later; `null` where there is none. It is not read now. */
export function reserveSecret({ reservePath }: Settings): (() => Promise<Uint8Array>) | null {
  return existsSync(reservePath) ? async () => readRootSecret(reservePath) : null
}

function parsePort(given: string): number {
  const port = Number(given)
  if (/^\d{1,5}$/.test(given) && port <= 65_535) return port
  throw new Error(
    `port (COUNTERFOIL_PORT, --port) is "${given}". Give a number from 0 to 65535; 0 picks a free one.`,
  )
}

function parsePool(given: string): number {
  const connections = Number(given)
  if (/^\d{1,3}$/.test(given) && connections >= 1 && connections <= largestPool) return connections
  throw new Error(`COUNTERFOIL_DATABASE_POOL is "${given}". Give a number from 1 to ${largestPool}.`)
}

function parseDrain(given: string): number {
  const seconds = Number(given)
  if (/^\d{1,3}$/.test(given) && seconds <= longestDrainSeconds) return seconds
  throw new Error(
    `COUNTERFOIL_DRAIN_SECONDS is "${given}". Give whole seconds from 0 to ${longestDrainSeconds}.`,
  )
}
