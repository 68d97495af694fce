const names = {
  port: 'COUNTERFOIL_PORT',
  host: 'COUNTERFOIL_HOST',
  database: 'COUNTERFOIL_DATABASE',
  databasePool: 'COUNTERFOIL_DATABASE_POOL',
  issuer: 'COUNTERFOIL_ISSUER',
  data: 'COUNTERFOIL_DATA',
  policy: 'COUNTERFOIL_POLICY',
  secretFile: 'COUNTERFOIL_SECRET_FILE',
  smtp: 'COUNTERFOIL_SMTP',
  mailFrom: 'COUNTERFOIL_MAIL_FROM',
  metricsToken: 'COUNTERFOIL_METRICS_TOKEN',
  drainSeconds: 'COUNTERFOIL_DRAIN_SECONDS',
} as const

/** As given, unchecked; `null` where unset or empty. `smtp`, `database` and `metricsToken` may hold secrets. */
export type Environment = { readonly [Setting in keyof typeof names]: string | null }

type Variables = { readonly [name: string]: string | undefined }

/**
 * The one reader of the environment. A COUNTERFOIL_* name that nobody knows throws: a misspelt setting would
 * otherwise leave its default in force, unnoticed.
 */
export function readEnvironment(env: Variables = process.env): Environment {
  const known: string[] = Object.values(names)
  for (const name of Object.keys(env)) {
    if (!name.startsWith('COUNTERFOIL_') || name.startsWith('COUNTERFOIL_TEST_')) continue
    if (!known.includes(name))
      throw new Error(`${name} is not a setting. The settings are:\n  ${known.join('\n  ')}`)
  }
  const read = (name: string): string | null => env[name] || null
  return {
    port: read(names.port),
    host: read(names.host),
    database: read(names.database),
    databasePool: read(names.databasePool),
    issuer: read(names.issuer),
    data: read(names.data),
    policy: read(names.policy),
    secretFile: read(names.secretFile),
    smtp: read(names.smtp),
    mailFrom: read(names.mailFrom),
    metricsToken: read(names.metricsToken),
    drainSeconds: read(names.drainSeconds),
  }
}

/** The PostgreSQL server that tests may create databases on, as a superuser's URL; `null` where there is none. */
export function readTestPostgres(env: Variables = process.env): string | null {
  return env.COUNTERFOIL_TEST_POSTGRES || null
}
