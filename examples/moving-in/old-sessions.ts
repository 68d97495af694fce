// Where the old system keeps its sessions: a table, as express-session's stores have it.
import { DatabaseSync } from 'node:sqlite'
import session from 'express-session'

export const oldSecret = 'the secret of the old system'

export function openOldSessions(file: string) {
  const db = new DatabaseSync(file)
  db.exec('create table if not exists session (sid text primary key, data text, expires_at integer)')
  const read = db.prepare('select data, expires_at from session where sid = ? and expires_at > unixepoch()')
  const write = db.prepare('insert or replace into session values (?, ?, ?)')
  const drop = db.prepare('delete from session where sid = ?')

  function find(sid: string): { account: string; expiresAt: number } | null {
    const row = read.get(sid)
    const account = row === undefined ? undefined : JSON.parse(String(row.data)).account
    return typeof account === 'string' ? { account, expiresAt: Number(row?.expires_at) } : null
  }

  const store: session.Store = Object.assign(new session.MemoryStore(), {
    get(sid: string, done: (error: unknown, found?: session.SessionData | null) => void) {
      const row = read.get(sid)
      done(null, row === undefined ? null : JSON.parse(String(row.data)))
    },
    set(sid: string, data: session.SessionData, done?: (error?: unknown) => void) {
      const expiresAt = Math.floor(Date.now() / 1000) + 30 * 24 * 3600
      write.run(sid, JSON.stringify(data), expiresAt)
      done?.()
    },
    destroy(sid: string, done?: (error?: unknown) => void) {
      drop.run(sid)
      done?.()
    },
  })
  return { find, store }
}
