import { readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type Acting, createWorker, isEndOfGrant, Refusal, type Worker } from '@counterfoil/verifier/worker'
import { money } from '../ledger.ts'
import { type Job, openQueue, type Queue } from './queue.ts'

// The job that writes the monthly statements: a process of its own, with a key of its own. Nobody has to be signed in.

const { values } = parseArgs({
  options: {
    bank: { type: 'string' },
    client: { type: 'string' },
    key: { type: 'string' },
    queue: { type: 'string' },
    month: { type: 'string' },
  },
})
const { bank = '', client = '', key = '', queue: queuePath = '', month = '' } = values
const lookEvery = 200

/** For each grant what it may do now; the tokens are in there, for minutes, and nowhere else. */
const acting = new Map<string, Acting>()

function actingFor(worker: Worker, { grant }: Job): Acting {
  const known = acting.get(grant) ?? worker.actFor(grant, { scope: 'statement.read', resource: bank })
  acting.set(grant, known)
  return known
}

async function write(worker: Worker, queue: Queue, job: Job): Promise<void> {
  try {
    const answer = await actingFor(worker, job).fetch(`${bank}/statement`)
    if (!answer.ok) throw new Error(`the bank answered ${answer.status}`)
    const text = textOf((await answer.json()) as Account)
    const at = Date.now()
    queue.write(job, { text, at, dueAt: at + Number(month) * 1000 })
  } catch (fault) {
    // Nothing will ever be allowed under this grant again: the job goes, and says why.
    if (isEndOfGrant(fault)) {
      acting.delete(job.grant)
      queue.stop(job, fault.code)
      console.log(`job ${job.id} stopped: ${fault.code}. ${fault.message}`)
      return
    }
    // Anything else may be over soon: what is done may be done twice, since an exchange uses nothing up.
    const seconds = (fault instanceof Refusal ? fault.retryAfterSeconds : null) ?? Number(month)
    queue.putBack(job, Date.now() + seconds * 1000)
    console.log(`job ${job.id} waits: ${fault instanceof Error ? fault.message : 'no reason given'}`)
  }
}

type Account = { balance: number; payments: { cents: number }[] }

function textOf({ balance, payments }: Account): string {
  const spent = payments.filter(({ cents }) => cents < 0).reduce((sum, { cents }) => sum - cents, 0)
  const lines = payments.length === 1 ? 'one payment' : `${payments.length} payments`
  return `Balance ${money(balance)}, ${lines}, ${money(spent)} paid out`
}

const stopping = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort())
// Whoever started it is gone: nobody would ever stop it. The channel itself keeps nobody up.
process.once('disconnect', () => stopping.abort())
process.channel?.unref()

const queue = openQueue(queuePath)
const worker = await createWorker({ issuer: bank, client: { id: client, key: readFileSync(key, 'utf8') } })
while (!stopping.signal.aborted) {
  const job = queue.take(Date.now())
  if (job === null) await wait(lookEvery, undefined, { signal: stopping.signal }).catch(() => {})
  else await write(worker, queue, job)
}
queue.close()
