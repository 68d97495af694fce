import { wire } from '../auth.ts'
import { migrate } from '../db/migrate.ts'
import { openDatabase } from '../db/open.ts'
import type { Route } from '../http/index.ts'
import { parsePolicy } from '../policy.ts'
import { createTestMachine } from './machine.ts'

/** Every route that a server in development has, for the tools and tests that look at all of them. */
export async function routeTable(): Promise<readonly Route[]> {
  const { db, primary, close } = await openDatabase('sqlite::memory:')
  await migrate(db)
  const machine = await createTestMachine()
  const issuer = 'http://localhost:3000'
  const house = wire({
    ...{ db, primary, machine, policy: parsePolicy({}), issuer, transport: null, metricsToken: null },
    adopt: () => null,
  })
  await close()
  return house.routes
}
