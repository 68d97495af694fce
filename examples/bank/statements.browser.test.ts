import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, it } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { createWorker } from '@counterfoil/verifier/worker'
import type { Browser, Page } from 'playwright-core'
import { launchChromium } from '../../tools/chromium.ts'
import { ada, mallory } from './people.ts'
import { fetchHere } from './place.ts'
import { openQueue, type Queue } from './statements/queue.ts'
import { centsIn, type RunningDemo, startDemo } from './testing/command.ts'

const folder = mkdtempSync(join(tmpdir(), 'counterfoil-statements-'))
const data = join(folder, 'data')
let demo: RunningDemo
let browser: Browser
let page: Page
let queue: Queue

before(async () => {
  demo = await startDemo(['--port', '0', '--data', data])
  browser = await launchChromium()
  page = await browser.newPage()
  queue = openQueue(join(data, 'statements-queue.db'))
})

after(async () => {
  queue?.close()
  await browser?.close()
  await demo?.interrupt()
  rmSync(folder, { recursive: true, force: true })
})

const press = (name: string) => page.getByRole('button', { name, exact: true }).click()
const follow = (name: string) => page.getByRole('link', { name, exact: true }).click()

async function signIn(): Promise<void> {
  await press('Sign in by cookie')
  await page.locator('#statements').waitFor()
}

type AuditRow = { kind: string; account_id: string; client_id: string; grant_id: string; address: string }

/** What the log says of grants, with whose account it was. */
function auditLog(): AuditRow[] {
  const db = new DatabaseSync(join(data, 'bank-auth.db'), { readOnly: true })
  try {
    const rows = db
      .prepare(
        `select event.kind, event.account_id, event.client_id, event.grant_id, account.email as address
         from event join account on account.id = event.account_id where event.kind like 'grant%' order by event.at, event.rowid`,
      )
      .all()
    return rows.map((row) => ({
      kind: String(row.kind),
      account_id: String(row.account_id),
      client_id: String(row.client_id),
      grant_id: String(row.grant_id),
      address: String(row.address),
    }))
  } finally {
    db.close()
  }
}

const written = () => queue.statementsOf(ada.email).at(0)?.number ?? 0

/** The worker is another process: it can only be waited for. */
async function until(what: string, isSo: () => boolean): Promise<void> {
  for (let round = 0; round < 600; round++) {
    if (isSo()) return
    await wait(100)
  }
  throw new assert.AssertionError({ message: `never happened: ${what}` })
}

describe('the job that writes statements while nobody is here', { concurrency: false }, () => {
  it('asks the person, on a page that says who will do what, with which data, until when', async () => {
    await page.goto(demo.bank)
    await signIn()
    await follow('Let the job write them')
    await page.getByRole('button', { name: 'Allow it' }).waitFor()
    const words = await page.locator('main').innerText()
    for (const said of ['Monthly statements', 'Read your balance and your payments', ada.email])
      assert.ok(words.includes(said), said)
    assert.equal(queue.jobOf(ada.email), null)
    await press('Allow it')
    await page.waitForURL(`${demo.bank}/`)
    await page.locator('#statements[data-state=running]').waitFor()
    await page.getByText('No. 1').waitFor()
  })

  it('goes on while the person is signed out, as the person, and the log names both', async () => {
    await press('Sign out')
    await page.locator('#sign-in').waitFor()
    const before = written()
    await until('a statement that was written while nobody was signed in', () => written() > before)
    const job = queue.jobOf(ada.email)
    const [given, exchanged] = auditLog()
    assert.ok(given && exchanged)
    assert.deepEqual([given.kind, exchanged.kind], ['grant_given', 'grant_exchanged'])
    assert.equal(exchanged.address, ada.email)
    assert.deepEqual([exchanged.grant_id, exchanged.client_id], [job?.grant, given.client_id])
    // The panel tells both, too.
    const ticket = page.locator('.exchange', { hasText: /GET \/statement(?!s)/ }).first()
    await ticket.getByText('a token of a job').waitFor({ state: 'attached' })
    assert.match(await ticket.innerText(), /GET \/statement\s+200/)
  })

  it('a queue that leaks is worth nothing at the bank: its rows are no credential there', async () => {
    const copies = mkdtempSync(join(folder, 'leaked-'))
    // As one, whatever the worker writes meanwhile.
    const held = new DatabaseSync(join(data, 'statements-queue.db'), { timeout: 30_000 })
    held.prepare('vacuum into ?').run(join(copies, 'statements-queue.db'))
    held.close()
    const leaked = openQueue(join(copies, 'statements-queue.db'))
    const job = leaked.jobOf(ada.email)
    leaked.close()
    assert.ok(job)
    const attempts: [path: string, init: RequestInit][] = []
    for (const scheme of ['Bearer', 'DPoP']) {
      const headers = { authorization: `${scheme} ${job.grant}` }
      for (const path of ['/statement', '/balance', '/auth/session']) attempts.push([path, { headers }])
      attempts.push([`/auth/grants/${job.grant}`, { method: 'DELETE', headers }])
    }
    const form = {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      ...{ subject_token: job.grant, subject_token_type: 'urn:counterfoil:token-type:grant' },
    }
    attempts.push(['/oauth/token', { method: 'POST', body: new URLSearchParams(form) }])
    attempts.push([`/statements/allowed?grant=${job.grant}`, {}])
    for (const [path, init] of attempts) {
      const { status } = await fetchHere(demo.bank + path, init)
      assert.equal(status, 401, path)
    }
  })

  it('may do what was allowed and nothing else, even with the key of the worker', async () => {
    const kept = (name: string) => readFileSync(join(data, name), 'utf8')
    const client = { id: kept('statements-client'), key: kept('statements-key.json') }
    const worker = await createWorker({ issuer: demo.bank, client })
    const acting = worker.actFor(queue.jobOf(ada.email)?.grant ?? '')
    assert.equal((await acting.fetch(`${demo.bank}/statement`)).status, 200)
    const cents = centsIn(join(data, 'bank-ledger.db'), ada.email)
    const order = JSON.stringify({ to: mallory.email, amount: 100, note: 'by a job' })
    const headers = { 'content-type': 'application/json' }
    const attempts: [path: string, init: RequestInit, status: number][] = [
      ['/payments', { method: 'POST', headers, body: order }, 403],
      ['/balance', {}, 403],
      ['/counter', {}, 401],
      ['/statements/allowed', {}, 403],
      ['/auth/grants', {}, 403],
    ]
    for (const [path, init, status] of attempts)
      assert.equal((await acting.fetch(demo.bank + path, init)).status, status, path)
    const front = await (await acting.fetch(`${demo.bank}/`)).text()
    assert.ok(!front.includes('id="balance"'), 'the page of nobody')
    assert.equal(centsIn(join(data, 'bank-ledger.db'), ada.email), cents)
  })

  it('stops at its very next call once the person has withdrawn it, and says why', async () => {
    await signIn()
    await follow('See what you allow, or withdraw it')
    await page.getByRole('heading', { name: 'Acts for you' }).waitFor()
    await page.locator('form[action="/account/grants/withdraw"] button').click()
    await page.waitForURL(/notice=grant-withdrawn/)
    const before = written()
    await until('the worker stopped', () => queue.jobOf(ada.email)?.dueAt === null)
    assert.equal(queue.jobOf(ada.email)?.why, 'grant_withdrawn')
    assert.ok(written() - before <= 1, 'more than a call that was on its way')
    const { grant } = queue.jobOf(ada.email) ?? {}
    const ended = auditLog().filter(({ kind }) => kind === 'grant_withdrawn')
    assert.deepEqual(
      ended.map(({ address, grant_id }) => [address, grant_id]),
      [[ada.email, grant]],
    )

    await page.goto(demo.bank)
    await page.locator('#statements[data-state=stopped]').getByText('You have withdrawn it').waitFor()
    const calls = page.locator('.exchange', { hasText: /GET \/statement(?!s)/ })
    assert.match(await calls.first().innerText(), /401 grant_ended/)
    const asked = page.locator('.exchange', { hasText: 'POST /oauth/token' }).first()
    assert.match(await asked.innerText(), /400 grant_withdrawn/)
    assert.match(
      demo.errors(),
      /worker: job \d+ stopped: grant_withdrawn\. The user has withdrawn the grant\./,
    )
  })
})
