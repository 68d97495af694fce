import { DatabaseSync } from 'node:sqlite'

/** One person's monthly statement: under which grant it is written, and what became of it. Times are milliseconds. */
export type Job = {
  id: number
  /** At this bank, as its ledger names people. */
  holder: string
  /** All that the worker has of them. It is an id and no credential. */
  grant: string
  /** When it is due next; `null` once it has stopped for good. */
  dueAt: number | null
  /** Why it stopped: the code that the worker was told. */
  why: string | null
}

/** A statement as the worker wrote it. */
export type Statement = { number: number; text: string; at: number }

/** What bank and worker share: a table of jobs, and one of what they made. */
export type Queue = {
  /** The bank's: from now on, every month. One job for a grant, however often it is asked for. */
  add(job: { holder: string; grant: string; now: number }): void
  jobOf(holder: string): Job | null
  /** The last ones first. */
  statementsOf(holder: string): Statement[]
  /** The worker's: a job that is due. It is due again by itself if its worker dies: whatever is done may be done twice. */
  take(now: number): Job | null
  /** Written; due again then. */
  write(job: Job, statement: { text: string; at: number; dueAt: number }): void
  /** Not now. */
  putBack(job: Job, dueAt: number): void
  /** Never again. */
  stop(job: Job, why: string): void
  /** Calls back soon after another program has changed anything; the function it gives stops that. */
  watch(hear: () => void): () => void
  close(): void
}

/** Milliseconds. */
const watchEvery = 250
const shown = 3
/** How long a worker that has taken a job and died keeps it from the others. */
const takenFor = 30_000

export function openQueue(path: string): Queue {
  const db = new DatabaseSync(path, { timeout: 5000 })
  db.exec(`
    pragma journal_mode = wal;
    create table if not exists job (
      id integer primary key, holder text not null, grant_id text not null unique, due_at integer, why text
    ) strict;
    create table if not exists statement (
      id integer primary key, holder text not null, text text not null, at integer not null
    ) strict`)
  const insert = db.prepare(
    'insert into job (holder, grant_id, due_at) values (?, ?, ?) on conflict do nothing',
  )
  const find = db.prepare('select * from job where holder = ? order by id desc limit 1')
  const list = db.prepare(
    `select row_number() over (order by id) as number, text, at from statement where holder = ? order by id desc limit ${shown}`,
  )
  // Two workers that ask at once get two jobs: the row changes hands in one statement.
  const take = db.prepare(
    'update job set due_at = ?1 + ?2 where id = (select id from job where due_at <= ?1 order by due_at limit 1) returning *',
  )
  const set = db.prepare('update job set due_at = ?, why = ? where id = ?')
  const changes = db.prepare('pragma data_version')
  const record = db.prepare('insert into statement (holder, text, at) values (?, ?, ?)')

  const timers = new Set<ReturnType<typeof setInterval>>()

  return {
    add: ({ holder, grant, now }) => void insert.run(holder, grant, now),
    jobOf: (holder) => jobIn(find.get(holder)),
    statementsOf: (holder) =>
      list
        .all(holder)
        .map(({ number, text, at }) => ({ number: Number(number), text: String(text), at: Number(at) })),
    take: (now) => jobIn(take.get(now, takenFor)),
    write(job, { text, at, dueAt }) {
      record.run(job.holder, text, at)
      set.run(dueAt, null, job.id)
    },
    putBack: (job, dueAt) => void set.run(dueAt, null, job.id),
    stop: (job, why) => void set.run(null, why, job.id),
    watch(hear) {
      const version = () => Number(changes.get()?.data_version)
      let seen = version()
      const timer = setInterval(() => {
        const now = version()
        if (now !== seen) hear()
        seen = now
      }, watchEvery)
      timers.add(timer)
      return () => {
        clearInterval(timer)
        timers.delete(timer)
      }
    },
    close() {
      for (const timer of timers) clearInterval(timer)
      db.close()
    },
  }
}

type Row = Record<string, unknown>

function jobIn(row: Row | undefined): Job | null {
  if (row === undefined) return null
  const { id, holder, grant_id, due_at, why } = row
  return {
    ...{ id: Number(id), holder: String(holder), grant: String(grant_id) },
    dueAt: due_at === null ? null : Number(due_at),
    why: why === null ? null : String(why),
  }
}
