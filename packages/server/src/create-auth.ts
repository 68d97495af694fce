import { type House, wire } from './auth.ts'
import type { Auth, AuthOptions } from './contract.ts'
import { readRisks } from './db/durability.ts'
import { migrate } from './db/migrate.ts'
import { type OnStatement, openDatabase } from './db/open.ts'
import type { Cause, Machine, Transport } from './machine.ts'
import { createMachine } from './node/machine.ts'
import { createSmtpTransport } from './node/smtp.ts'
import { type Chore, startTimers } from './node/timers.ts'
import { parseIssuer, secretBytes } from './options.ts'
import { parsePolicy } from './policy.ts'

/**
 * Opens the database, makes what is missing and answers requests. Throws an ordinary `Error` that names the
 * setting and the remedy where the options cannot be used.
 */
export async function createAuth(options: AuthOptions): Promise<Auth> {
  requireText(options)
  const { isLocal } = parseIssuer(options.issuer)
  const policy = parsePolicy(options.policy)
  const transport = transportFrom(options.mail)
  if (transport === null && !isLocal) {
    throw new Error(
      'mail is not set (COUNTERFOIL_SMTP and COUNTERFOIL_MAIL_FROM). Only a server on localhost may keep its mail to itself.',
    )
  }
  const { secret, reserveSecret, issuer, metricsToken = null, adopt = null } = options
  const machine = createMachine({
    rootSecret: secretBytes(secret),
    reserveSecret: reserveSecret ? async () => secretBytes(await reserveSecret()) : null,
    hashingQueue: policy.hashingQueue,
  })
  const { db, engine, primary, close } = await openDatabase(options.database, {
    ...(options.databasePool === undefined ? {} : { connections: options.databasePool }),
    onStatement: noting(machine),
    // What forgets or makes keys may take its time; a request, or the beat that others believe us by, may not.
    isPatient: () => ['chore', 'start'].includes(machine.statements.cause()),
  })
  try {
    const { later } = (options.migrate ?? true) ? await migrate(db) : { later: [] }
    if (later.length > 0) machine.log.info('a later release has migrated the database', { later })
    for (const risk of await readRisks(db, engine)) machine.log.error(risk, new Error('durability'))
    const house = wire({ db, primary, machine, policy, issuer, transport, metricsToken, adopt })
    const { during } = machine.statements
    await during('start', async () => {
      await house.keys.maintain()
      // A root secret that does not fit the database is found here, not by the first person who signs in.
      await house.keys.ring()
    })
    // What it hears from other nodes later, it hears within this.
    await during('feed', async () => {
      await house.feed.start()
      await house.chores.tick()
    })
    const timers = startTimers(choresOf(house, machine), machine.log)
    return {
      fetch: house.fetch,
      serves: house.serves,
      identify: house.identify,
      check: house.check,
      guard: house.guard,
      adopt: house.adopt,
      demand: house.demand,
      grants: { request: house.grants.request },
      retire: house.retire,
      drain: house.feed.hub.stop,
      async close() {
        try {
          house.feed.hub.stop()
          house.mail.stop()
          await timers.stop()
          await house.chores.touches()
          await house.feed.hub.leave()
        } finally {
          transport?.close?.()
          await close()
        }
      },
    }
  } catch (error) {
    transport?.close?.()
    await close()
    throw error
  }
}

/** A hint leaves on behalf of whoever committed, who does not wait for it: it is asked for the sake of those who listen. */
function noting({ statements }: Machine): OnStatement {
  return (_, sort) => (sort === 'hint' ? statements.during('feed', statements.note) : statements.note())
}

/** JavaScript callers, and variables that are not set: said by name, before anything is opened. */
function requireText(options: AuthOptions): void {
  for (const name of ['issuer', 'database', 'secret'] as const) {
    if (!options[name]) throw new Error(`createAuth needs ${name}; see AuthOptions for what it takes.`)
  }
}

/** Mail that is on its way when the server stops stays in the outbox. */
function choresOf({ chores }: House, { statements }: Machine): Chore[] {
  const all: (Chore & { cause: Cause })[] = [
    { cause: 'feed', name: 'tick', everySeconds: 1, run: chores.tick },
    { cause: 'feed', name: 'poll', everySeconds: 0.25, run: chores.poll },
    { cause: 'chore', name: 'touches', everySeconds: 2, run: chores.touches },
    { cause: 'chore', name: 'mail', everySeconds: 2, run: chores.mail },
    { cause: 'chore', name: 'keys', everySeconds: 60, run: chores.keys },
    { cause: 'chore', name: 'forget', everySeconds: 60, run: chores.forget },
  ]
  return all.map(({ cause, run, ...chore }) => ({ ...chore, run: () => statements.during(cause, run) }))
}

function transportFrom(mail: AuthOptions['mail']): Transport | null {
  if (mail === undefined) return null
  return 'smtp' in mail ? createSmtpTransport({ url: mail.smtp, from: mail.from }) : mail
}
