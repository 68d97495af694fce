import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { sql } from 'kysely'
import { dataFolder, run, startServer } from '../testing/command.ts'
import { onEachEngine } from '../testing/engines.ts'

const answerOf = async (args: readonly string[]) => {
  const ran = await run(args)
  assert.equal(ran.code, 0, ran.err)
  return ran.out
}

onEachEngine('the command migrate', (open) => {
  test('shows what it would do and does nothing, does it, and has nothing to do a second time', async () => {
    const { db, url } = await open({ migrate: false })
    const command = ['migrate', '--data', dataFolder(), '--database', url]
    const { pending } = JSON.parse(await answerOf([...command, '--dry-run', '--json']))
    assert.equal(pending[0].name, '2026-11-23-first')
    assert.ok(pending.every(({ statements }: { statements: string[] }) => statements.length > 0))
    const shown = await answerOf([...command, '--dry-run'])
    for (const { name, statements } of pending) assert.ok(shown.includes(`-- ${name}\n${statements[0]};\n`))
    assert.match(shown, /^create table "account"/m)
    assert.match(shown, /-- Nothing was changed\.\n$/)
    assert.deepEqual(await db.introspection.getTables({ withInternalKyselyTables: true }), [])

    const names = pending.map(({ name }: { name: string }) => name)
    assert.deepEqual(JSON.parse(await answerOf([...command, '--json'])), { applied: names, later: [] })
    assert.deepEqual(JSON.parse(await answerOf([...command, '--json'])), { applied: [], later: [] })
    assert.deepEqual(JSON.parse(await answerOf([...command, '--dry-run', '--json'])), { pending: [] })
    assert.equal(await answerOf([...command, '--dry-run']), 'The database is up to date.\n')
  })

  test('of the release before has nothing to do where a later one has migrated, and its server starts', async () => {
    const { db, url } = await open()
    await sql`insert into kysely_migration (name, "timestamp") values ('2999-later', '2999')`.execute(db)
    const data = dataFolder()
    const command = ['migrate', '--data', data, '--database', url]
    await answerOf(['init', '--data', data])
    assert.deepEqual(JSON.parse(await answerOf([...command, '--json'])), {
      applied: [],
      later: ['2999-later'],
    })
    assert.match(await answerOf(command), /^The database is up to date\. A later release .*2999-later$/m)
    const server = await startServer(data, ['--database', url])
    assert.equal((await fetch(`${server.origin}/readyz`)).status, 200)
    assert.match(server.output(), /a later release has migrated the database/)
    assert.equal(await server.stop(), 0)
  })
})

test('a dry run where there is no SQLite file shows all, and makes no file', async () => {
  const data = dataFolder()
  const shown = await answerOf(['migrate', '--data', data, '--dry-run'])
  assert.match(shown, /^-- 2026-11-23-first\ncreate table/)
  assert.equal(existsSync(join(data, 'counterfoil.db')), false)
})
