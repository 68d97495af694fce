import type { ForeignSystem } from '../node/foreign-hash.ts'

/** The columns of each table, by its name. */
export type Tables = ReadonlyMap<string, readonly string[]>
export type ForeignTables = Exclude<ForeignSystem, 'file'>

type Names = readonly string[]
/** SQL of one value as text; `null` where the source has nothing of the kind. */
type Value = string | null

type Shape = {
  users: Names
  id: Names
  created: Names
  email(query: Query): Value
  /** `'1'` where the system says that the mailbox was proven. */
  verified(query: Query): Value
  password(query: Query): Value
  disabled?: (query: Query) => Value
  /** Of several installs in one table, the one that counts. */
  only?: (query: Query) => Value
}

/** Longer than anything that is read; what is cut is malformed. */
const longest = 700

/**
 * Where each system keeps what is read here. Better Auth: `user` and `account` (its documents, "Database"). Auth.js: the
 * schema of its adapters, whose `emailVerified` is a date; a column for a password is a habit of applications. SuperTokens:
 * EmailPasswordQueries and EmailVerificationQueries of its plugins. Django: contrib/auth/models.py, and EmailAddress of
 * allauth, since Django itself proves no mailbox. Lucia: the `key` table of its second version, or a column from the third on.
 */
const shapes: Readonly<Record<ForeignTables, Shape>> = {
  'better-auth': {
    ...{ users: ['user', 'users'], id: ['id'], created: ['createdAt'] },
    email: ({ own }) => own('email'),
    verified: ({ own }) => flag(own('emailVerified')),
    disabled: ({ own }) => flag(own('banned')),
    password: ({ join }) => {
      const tables = ['account', 'accounts']
      return join({
        tables,
        value: 'password',
        where: ({ at }) => equals(at('providerId'), "'credential'") ?? never,
      })
    },
  },
  authjs: {
    ...{ users: ['users', 'user'], id: ['id'], created: ['createdAt'] },
    email: ({ own }) => own('email'),
    verified: ({ own }) => date(own('emailVerified')),
    password: ({ own }) => own('password', 'passwordHash', 'hashedPassword'),
  },
  supertokens: {
    ...{ users: ['emailpassword_users'], id: ['userId'], created: ['timeJoined'] },
    email: ({ own }) => own('email'),
    verified: (query) => query.proven({ tables: ['emailverification_verified_emails'], where: isPublic }),
    password: ({ own }) => own('passwordHash'),
    only: ({ own }) => equals(own('appId'), "'public'"),
  },
  django: {
    ...{ users: ['auth_user'], id: ['id'], created: ['dateJoined'] },
    email: ({ own }) => own('email'),
    verified: (query) =>
      query.proven({
        tables: ['account_emailaddress'],
        where: ({ at }) => equals(flag(at('verified')), "'1'") ?? never,
      }),
    password: ({ own }) => own('password'),
    disabled: ({ own }) => not(flag(own('isActive'))),
  },
  lucia: {
    ...{ users: ['user', 'users', 'auth_user'], id: ['id'], created: ['createdAt'] },
    email: ({ own, join }) =>
      own('email') ??
      join({ tables: keys, value: 'id', where: isEmailKey, show: (id) => `substr(${id}, 7)` }),
    verified: ({ own }) => flag(own('emailVerified')),
    password: ({ own, join }) =>
      own('passwordHash', 'hashedPassword', 'password') ??
      join({ tables: keys, value: 'hashedPassword', where: isEmailKey }),
  },
}

const keys = ['user_key', 'auth_key', 'key', 'keys']
/** Before it had apps, there was one. */
const isPublic = ({ at }: Joined) => equals(at('appId'), "'public'") ?? '1 = 1'
const isEmailKey = ({ at }: Joined) => `${at('id')} like 'email:%'`

type Joined = { at(...names: Names): Value }
type Beside = { tables: Names; where(joined: Joined): string }
type Query = {
  own(...names: Names): Value
  /** A value of another table that belongs to the account. */
  join(join: Beside & { value: string; show?: (value: string) => string }): Value
  /** `'1'` where another table says of the very address that the account has now that it was proven. */
  proven(beside: Beside): Value
}
/** Where what a condition asks about is not there, nothing fulfils it. */
const never = '1 = 0'

/** One query for all accounts, the proven ones first. Throws where a table or a column is not there. */
export function accountsQuery(
  system: ForeignTables,
  { tables, table }: { tables: Tables; table: string | null },
): string {
  const shape = shapes[system]
  const names = table === null ? shape.users : [table]
  const users = findTable(tables, names)
  if (users === null)
    throw new Error(
      `The source has no table ${names.join(' or ')}. Name the one that holds the accounts with --table.`,
    )
  const joins: string[] = []
  const query = describe({ tables, users, id: shape.id, joins })
  const [id, email, password] = [query.own(...shape.id), shape.email(query), shape.password(query)]
  if (id === null || email === null)
    throw new Error(`The table ${users} has no column for the ${id === null ? 'id' : 'address'}.`)
  const verified = shape.verified(query) ?? "'0'"
  const columns = {
    id,
    email,
    password,
    verified,
    disabled: shape.disabled?.(query),
    created: query.own(...shape.created),
  }
  const shown = Object.entries(columns).map(([name, value]) => `${value ?? 'cast(null as text)'} as ${name}`)
  const only = shape.only?.(query) ?? null
  return [
    `select ${shown.join(', ')} from ${quote(users)} u`,
    ...joins,
    ...(only === null ? [] : [`where ${only}`]),
    `order by ${verified} desc, ${id}`,
  ].join('\n')
}

function describe(given: { tables: Tables; users: string; id: Names; joins: string[] }): Query {
  const { tables, users, id, joins } = given
  const at = (alias: string, table: string) => {
    return (...names: Names) => {
      const column = findColumn(tables, { table, names })
      return column === null ? null : text(`${alias}.${quote(column)}`)
    }
  }
  const beside = (wanted: Names) => {
    const table = findTable(new Map([...tables].filter(([name]) => name !== users)), wanted)
    const owner = table === null ? null : findColumn(tables, { table, names: ['userId'] })
    const own = findColumn(tables, { table: users, names: id })
    if (table === null || owner === null || own === null) return null
    return {
      joined: { at: at('b', table) },
      from: quote(table),
      owner: `b.${quote(owner)}`,
      own: `u.${quote(own)}`,
    }
  }
  // Grouped once and then joined: there need not be an index that a look for each account could use.
  const add = (rows: string, on: (alias: string) => string) => {
    const alias = `j${joins.length}`
    joins.push(`left join (${rows}) ${alias} on ${on(alias)}`)
    return `${alias}.value`
  }
  const own = at('u', users)
  return {
    own,
    join({ tables: wanted, value, where, show = (one) => one }) {
      const other = beside(wanted)
      const column = other?.joined.at(value) ?? null
      if (other === null || column === null) return null
      const { joined, from, owner } = other
      const rows = `select ${owner} as owner, max(${show(column)}) as value from ${from} b where ${where(joined)} group by ${owner}`
      return add(rows, (alias) => `${alias}.owner = ${other.own}`)
    },
    proven({ tables: wanted, where }) {
      const other = beside(wanted)
      const [column, email] = [other?.joined.at('email') ?? null, own('email')]
      if (other === null || column === null || email === null) return null
      const { joined, from, owner } = other
      // Letters that fold into ASCII (the Kelvin sign) would make another mailbox out of the one that was proven.
      const isAscii = `length(${column}) = octet_length(${column})`
      const rows = `select distinct ${owner} as owner, lower(${column}) as value from ${from} b where ${isAscii} and ${where(joined)}`
      const found = add(rows, (alias) => `${alias}.owner = ${other.own} and ${alias}.value = lower(${email})`)
      return `case when ${found} is null then '0' else '1' end`
    },
  }
}

const folded = (name: string) => name.replaceAll('_', '').toLowerCase()
const quote = (name: string) => `"${name.replaceAll('"', '""')}"`
const text = (column: string) => `substr(cast(${column} as text), 1, ${longest})`
const equals = (a: Value, b: Value): Value => (a === null || b === null ? null : `${a} = ${b}`)
/** Engines write truth in different letters. */
const flag = (value: Value): Value =>
  value === null ? null : `case when lower(${value}) in ('1', 't', 'true') then '1' else '0' end`
const date = (value: Value): Value =>
  value === null
    ? null
    : `case when lower(coalesce(${value}, '')) in ('', '0', 'f', 'false') then '0' else '1' end`
const not = (value: Value): Value =>
  value === null ? null : `case when ${value} = '1' then '0' else '1' end`

function findTable(tables: Tables, names: Names): string | null {
  for (const name of names) {
    if (tables.has(name)) return name
    const found = [...tables.keys()].find((one) => folded(one) === folded(name))
    if (found !== undefined) return found
  }
  return null
}

function findColumn(tables: Tables, { table, names }: { table: string; names: Names }): string | null {
  const columns = tables.get(table) ?? []
  for (const name of names) {
    const found = columns.find((one) => folded(one) === folded(name))
    if (found !== undefined) return found
  }
  return null
}
