import type { Db } from '../db/schema.ts'
import { createSecrets } from '../node/secrets.ts'

/** The secret and the database belong together: one without the other cannot sign. How many keys it opened. */
export async function checkKeys(db: Db, secret: Uint8Array): Promise<number> {
  const secrets = createSecrets(secret)
  const keys = await db.selectFrom('signing_key').selectAll().where('is_reserve', '=', 0).execute()
  for (const key of keys) secrets.unwrap('signing_key', key.wrapped_private, key.kid)
  return keys.length
}
