import { CompiledQuery, type DatabaseConnection, type Driver, type QueryResult } from 'kysely'
import type pg from 'pg'
import { ask, deaf } from './ask.ts'
import type { Lanes } from './lanes.ts'
import type { OnStatement } from './open.ts'
import { createNames, isOutdated } from './prepared.ts'
import { withState } from './unavailable.ts'

type Held = { client: pg.PoolClient; isSpoilt: boolean; isPatient: boolean; isInTransaction: boolean }

export type DriverOptions = {
  /** How long a server that does not answer is waited for. What runs there all the same, it ends by itself. */
  deafMilliseconds: number
  /** Asked before each statement: nobody waits for this one, so it may take its time. */
  isPatient: () => boolean
  onStatement: OnStatement
}

const patientMilliseconds = 20_000
/** Statements with more vary in their length, so that each would be kept for itself. */
const keptParameters = 40

/**
 * Single reads go through the lanes. Whatever writes or locks, and every transaction, has a connection of the pool to itself
 * until it is done: a statement that waits for a row must hold up nobody else's.
 */
export function postgresDriver(pool: pg.Pool, lanes: Lanes, options: DriverOptions): Driver {
  const holding = new WeakMap<DatabaseConnection, Held>()
  const names = createNames('pool')

  async function hold(connection: DatabaseConnection): Promise<Held> {
    const known = holding.get(connection)
    if (known !== undefined) return known
    const client = await named(pool.connect())
    const held = { client, isSpoilt: false, isPatient: false, isInTransaction: false }
    holding.set(connection, held)
    return held
  }

  function send({ client, isPatient }: Held, query: CompiledQuery): Promise<pg.QueryResult> {
    const { sql: text, parameters } = query
    const isKept = isBounded(query) && parameters.length > 0 && parameters.length <= keptParameters
    const name = isKept ? names.of(text) : undefined
    const limit = isPatient || options.isPatient() ? patientMilliseconds : options.deafMilliseconds
    const asked = { text, values: [...parameters], ...(name === undefined ? {} : { name }) }
    const answer = ask(client, asked, isBounded(query) ? limit : null)
    return answer.finally(() => options.onStatement(text, 'asked'))
  }

  async function run<Row>(held: Held, query: CompiledQuery): Promise<QueryResult<Row>> {
    try {
      return resultOf(await send(held, query))
    } catch (error) {
      held.isSpoilt ||= error === deaf
      if (!isOutdated(error)) throw withState(error)
      names.renew()
      // It was turned away before it did anything. A transaction is over with it, and begins again as a whole.
      if (held.isInTransaction) throw error
      return resultOf(await named(send(held, query)))
    }
  }

  function open(): DatabaseConnection {
    const connection: DatabaseConnection = {
      async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
        const held = holding.get(connection)
        if (held !== undefined) return run<Row>(held, query)
        if (isPlainRead(query)) return { rows: (await named(lanes.read(query.sql, query.parameters))).rows }
        return run<Row>(await hold(connection), query)
      },
      streamQuery() {
        throw new Error('Rows are read at once here.')
      },
    }
    return connection
  }

  const order = async (connection: DatabaseConnection, text: string) => {
    await hold(connection)
    return connection.executeQuery<{ command: string }>(CompiledQuery.raw(text))
  }

  return {
    async init() {},
    acquireConnection: async () => open(),
    async beginTransaction(connection, { isolationLevel, accessMode }) {
      const level = isolationLevel === undefined ? '' : ` isolation level ${isolationLevel}`
      await order(connection, `begin${level}${accessMode === undefined ? '' : ` ${accessMode}`}`)
      // It holds no row that anybody could wait for, and what is loaded at once may be long.
      const held = await hold(connection)
      held.isPatient = accessMode === 'read only'
      held.isInTransaction = true
    },
    async commitTransaction(connection) {
      const { rows } = await order(connection, 'commit')
      // Where a statement had failed and nobody said so, the answer to a commit is that it was rolled back.
      if (rows[0]?.command !== 'COMMIT') throw new Error('The transaction was rolled back and not committed.')
    },
    async rollbackTransaction(connection) {
      const held = await hold(connection)
      // Who did not answer a statement would not answer this either.
      if (held.isSpoilt) return
      try {
        await order(connection, 'rollback')
      } catch {
        // The error that led here is the one to tell; the server rolls back what loses its connection.
        held.isSpoilt = true
      }
    },
    async releaseConnection(connection) {
      const held = holding.get(connection)
      holding.delete(connection)
      held?.client.release(held.isSpoilt)
    },
    async destroy() {
      await lanes.close()
      await pool.end()
    },
  }
}

/** Built as a query, so that what it does is known without reading its text. */
function isPlainRead({ query }: CompiledQuery): boolean {
  return query.kind === 'SelectQueryNode' && query.with === undefined && query.endModifiers === undefined
}

const builtQueries = new Set(['SelectQueryNode', 'InsertQueryNode', 'UpdateQueryNode', 'DeleteQueryNode'])
const orders = /^(?:begin|commit|rollback|with head|with "step_0|delete from)\b/

/** Migrations, and waiting for one on another node, may take long. */
function isBounded({ query, sql }: CompiledQuery): boolean {
  return builtQueries.has(query.kind) || orders.test(sql)
}

const changes = new Set(['INSERT', 'UPDATE', 'DELETE', 'MERGE'])
const endings = new Set(['COMMIT', 'ROLLBACK'])

function resultOf<Row>({ command, rowCount, rows }: pg.QueryResult): QueryResult<Row> {
  if (endings.has(command)) return { rows: [{ command }] as Row[] }
  const affected = changes.has(command) ? { numAffectedRows: BigInt(rowCount ?? 0) } : {}
  return { ...affected, rows: rows ?? [] }
}

async function named<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work
  } catch (error) {
    throw withState(error)
  }
}
