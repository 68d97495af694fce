import { createAuth } from 'counterfoil'
import { hashed, issuer, secret } from './accounts.ts'
import { seed } from './seeds.ts'

/** A database of PostgreSQL with the account, and with so many sessions that nobody signed in for. */
export async function makePostgres(url: string, sessions = 1): Promise<void> {
  await (await createAuth({ issuer, database: url, secret })).close()
  await seed(url, { count: sessions, hash: await hashed() })
}
