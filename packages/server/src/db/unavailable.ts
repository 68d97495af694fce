/**
 * SQLSTATE classes and codes that say "not now": connection, resources, shutdown, a lock that was not had in time, a time
 * limit, a server that became a replica, and what was given up for another transaction more often than it is tried.
 */
const passingStates =
  /^(?:08...|53...|57P0[1235]|57014|55P03|25P0[34]|25006|40001|40P01|ECONN\w+|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)$/
/** Busy, locked, disk broken, disk full, cannot be opened. */
const passingSqlite = new Set([5, 6, 10, 13, 14])

/** Whether it is the database that cannot be reached or used at this moment, and nothing that we did wrong. */
export function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return false
  if (error.code === 'ERR_SQLITE_ERROR')
    return 'errcode' in error && typeof error.errcode === 'number' && passingSqlite.has(error.errcode & 0xff)
  return passingStates.test(error.code)
}

/** The driver says in words alone that a connection is gone or was not to be had. */
export function withState(error: unknown): unknown {
  if (!(error instanceof Error) || ('code' in error && typeof error.code === 'string')) return error
  return Object.assign(error, { code: '08006' })
}
