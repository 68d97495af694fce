import type pg from 'pg'

export const deaf = Object.assign(new Error('The database did not answer in time.'), { code: 'ETIMEDOUT' })

/**
 * Sends a statement and waits for no longer than this for its answer (`null`: as long as it takes): then it fails with
 * `deaf`, and the connection is of no use any more. Promises and time limits of the driver's own outlive by several collections
 * whatever they were for, and each collection copies them: ten milliseconds in which nobody is answered.
 */
export function ask(
  client: pg.ClientBase,
  query: pg.QueryConfig,
  milliseconds: number | null,
): Promise<pg.QueryResult> {
  return new Promise((resolve, reject) => {
    const timer = milliseconds === null ? null : setTimeout(reject, milliseconds, deaf)
    void client.query(query, (error: Error | null | undefined, result) => {
      if (timer !== null) clearTimeout(timer)
      if (error) reject(error)
      else resolve(result)
    })
  })
}
