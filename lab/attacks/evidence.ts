import assert from 'node:assert/strict'
import type { TestHouse } from 'counterfoil/house'

type Db = TestHouse['db']

const tables = [
  'account',
  'password',
  'password_reset',
  'sign_up',
  'client',
  'session',
  'signing_key',
  'feed_head',
  'feed_log',
  'limit_state',
  'outbox',
  'event',
] as const

type Table = (typeof tables)[number]

/** Every row of every table as text, sorted: what a leaked backup holds, and what "nothing changed" is judged by. */
export async function contentsOf(db: Db, except: readonly Table[] = []): Promise<string> {
  const lines: string[] = []
  for (const table of tables.filter((name) => !except.includes(name))) {
    const rows = table === 'outbox' ? await mailOf(db) : await db.selectFrom(table).selectAll().execute()
    lines.push(...rows.map((row) => `${table} ${JSON.stringify(row)}`).sort())
  }
  return lines.join('\n')
}

/** Delivery goes on after the answer; whom it is for and why does not change. */
function mailOf(db: Db): Promise<object[]> {
  return db
    .selectFrom('outbox')
    .select(['id', 'kind', 'recipient', 'link_id', 'created_at'])
    .where('kind', '!=', 'void')
    .execute()
}

/** All that whoever sent a request learns from its answer, apart from how long it took. */
export async function faceOf(
  response: Response,
): Promise<{ status: number; headers: string[]; body: string }> {
  const headers = [...response.headers].filter(([name]) => name !== 'date').map((pair) => pair.join(': '))
  return { status: response.status, headers, body: await response.text() }
}

export async function codeOf(response: Response): Promise<string> {
  const problem = (await response.json()) as { code?: string; error?: string }
  return problem.error ?? problem.code ?? ''
}

export async function expectRefused(
  response: Response,
  expected: { status: number; code: string },
  about: string,
): Promise<void> {
  const { status } = response
  const cookies = response.headers.getSetCookie()
  assert.deepEqual({ status, code: await codeOf(response), cookies }, { ...expected, cookies: [] }, about)
}

export async function liveSessions(house: TestHouse, accountId: string): Promise<number> {
  return (await house.house.sessions.list(accountId)).length
}

/** How many statements of each kind: the verb and the table it is about. */
export function kindsOf(statements: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const statement of statements) {
    const [, verb = '', table = ''] =
      /^(select|insert into|update|delete from)\b(?:.*?\bfrom)?\s*"?(\w+)?/is.exec(statement) ?? []
    const kind = `${verb} ${table}`.trim().toLowerCase()
    if (kind !== '') counts[kind] = (counts[kind] ?? 0) + 1
  }
  return counts
}
