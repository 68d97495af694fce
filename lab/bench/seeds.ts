import { createHash } from 'node:crypto'
import { createSecrets } from 'counterfoil/house'
import pg from 'pg'

/** Sessions that nobody signed in for: written by the database itself, so that a million take seconds and not a day. */
const sessionsEach = 100
/** With no session yet, for those who sign in. */
export const freshAccounts = 64

const known = new Map<string, ReturnType<typeof createSecrets>>()

/** The cookie of the session with this number, under the root secret of the site. */
export function cookieOf(rootSecret: string, index: number): string {
  const secrets = known.get(rootSecret) ?? createSecrets(Buffer.from(rootSecret, 'base64url'))
  known.set(rootSecret, secrets)
  return secrets.seal('cookie', createHash('sha256').update(`bench-${index}`).digest())
}

const base64url = (bytes: string) => `rtrim(translate(encode(${bytes}, 'base64'), '+/', '-_'), '=')`

export const emailOf = (sessions: number, index: number) =>
  `a${Math.ceil(sessions / sessionsEach) + 1 + (index % freshAccounts)}@bench.example`

/** Accounts that share a password, and sessions 1 to `count` by cookie, all of them seen a moment ago. */
export async function seed(url: string, { count, hash }: { count: number; hash: string }): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const accountOf = (index: string) => `lpad(${index}::text, 22, 'a')`
  const now = 'extract(epoch from now())::bigint'
  const accounts = Math.ceil(count / sessionsEach)
  try {
    await client.query(`insert into account (id, email, state, verified_at, end_position, created_at)
      select ${accountOf('i')}, 'a' || i || '@bench.example', 'active', ${now}, 0, ${now}
      from generate_series(1, ${accounts + freshAccounts}) i`)
    await client.query(
      `insert into password (account_id, hash, changed_at) select id, $1, ${now} from account where email like 'a%@bench.example'`,
      [hash],
    )
    await client.query(`insert into session (id, account_id, client_id, carrier, began, created_at, authenticated_at,
        last_seen_at, expires_at, device, amr, cookie_hash, refresh_generation, refresh_repeats, refresh_repeated_generation)
      select lpad(i::text, 22, 's'), ${accountOf(`((i - 1) / ${sessionsEach} + 1)`)}, 'first-party', 'cookie',
        (select seq from feed_head), ${now}, ${now}, ${now}, ${now} + 2000000, 'bench', 'pwd',
        ${base64url(`sha256(sha256(('bench-' || i)::bytea))`)}, 0, 0, 0
      from generate_series(1, ${count}) i`)
    await client.query('vacuum analyze')
    await client.query('checkpoint')
  } finally {
    await client.end()
  }
}
