import { createAuth } from '../create-auth.ts'
import { pendingMigrations } from '../db/migrate.ts'
import { openDatabase } from '../db/open.ts'
import { listen } from '../node/listen.ts'
import { parseIssuer } from '../options.ts'
import { version } from '../version.ts'
import { initialise } from './initialise.ts'
import { type Flags, readPolicy, readSecret, readSettings, reserveSecret, type Settings } from './settings.ts'
import { refuseMissing } from './workbench.ts'

/** Serves until it is told to stop. In development it makes what is missing; in production it says so and stops. */
export async function serve(flags: Flags): Promise<void> {
  const settings = readSettings(flags)
  const policy = readPolicy(settings)
  const isDevelopment = settings.issuer === null || parseIssuer(settings.issuer).isLocal
  checkReach(settings, isDevelopment)
  if (isDevelopment) initialise(settings)
  else await checkProduction(settings)
  const secret = readSecret(settings)
  const reserve = reserveSecret(settings)

  let answer: Awaited<ReturnType<typeof createAuth>>['fetch'] = async () =>
    new Response('starting', { status: 503, headers: { 'retry-after': '1' } })
  const listener = await listen({
    host: settings.host,
    port: settings.port,
    fetch: (request, remote) => answer(request, remote),
  })
  const issuer = settings.issuer ?? `http://localhost:${listener.port}`
  try {
    const auth = await createAuth({
      issuer,
      database: settings.database,
      databasePool: settings.databasePool,
      secret,
      ...(reserve ? { reserveSecret: reserve } : {}),
      policy,
      ...(settings.smtp ? { mail: { smtp: settings.smtp, from: settings.mailFrom ?? '' } } : {}),
      ...(settings.metricsToken ? { metricsToken: settings.metricsToken } : {}),
      migrate: isDevelopment,
    })
    answer = auth.fetch
    announce({ issuer, settings, port: listener.port, isDevelopment })
    await toldToStop()
    console.log('Stopping: running requests may end.')
    auth.retire()
    await new Promise((resolve) => setTimeout(resolve, settings.drainSeconds * 1000))
    auth.drain()
    await listener.close()
    await auth.close()
  } catch (error) {
    await listener.close()
    throw error
  }
}

/** The development mailbox shows everyone's links, so it must not be reachable from elsewhere. */
function checkReach({ host, smtp }: Settings, isDevelopment: boolean): void {
  const isNear = host === 'localhost' || host === '::1' || /^127\./.test(host)
  if (!isDevelopment || isNear || smtp !== null) return
  throw new Error(
    `host (COUNTERFOIL_HOST, --host) is "${host}", which others can reach, while the issuer is local and mail would wait at /dev/mail. Listen on 127.0.0.1, or set COUNTERFOIL_SMTP.`,
  )
}

async function checkProduction(settings: Settings): Promise<void> {
  readSecret(settings)
  if (settings.smtp === null || settings.mailFrom === null) {
    throw new Error(
      'Mail is not set up: give COUNTERFOIL_SMTP (smtp://… or smtps://…) and COUNTERFOIL_MAIL_FROM (an address).',
    )
  }
  refuseMissing(settings)
  const { db, close } = await openDatabase(settings.database)
  const pending = await pendingMigrations(db).finally(close)
  if (pending.length > 0) {
    throw new Error(
      `The database is ${pending.length} migration(s) behind. Run \`counterfoil migrate\`, then start again.`,
    )
  }
}

function announce(given: { issuer: string; settings: Settings; port: number; isDevelopment: boolean }): void {
  const { issuer, settings, port, isDevelopment } = given
  console.log(`Counterfoil ${version}`)
  console.log(`  serving    ${issuer}`)
  console.log(`  listening  ${settings.host}:${port}`)
  console.log(`  data       ${settings.data}`)
  if (!isDevelopment || settings.smtp !== null) return
  // A proxy that stands at the issuer's address does not hand the mailbox on.
  const own = new URL(issuer).port === String(port) ? issuer : `http://localhost:${port}`
  console.log(`  mailbox    ${own}/dev/mail (development)`)
}

function toldToStop(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
}
