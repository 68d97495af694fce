import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { getRequestListener } from '@hono/node-server'
import { createAuth } from 'counterfoil'
import { createEvil } from './attacker/evil.ts'
import { forgedNote } from './attacker/forgeries.ts'
import { createReferee } from './attacker/referee.ts'
import { createThief } from './attacker/thief.ts'
import { createBank } from './counter/bank.ts'
import { createLive } from './counter/live.ts'
import { measuring } from './counter/measure.ts'
import { openAccount } from './counter/open-account.ts'
import { createWitness } from './counter/witness.ts'
import { type Ledger, openLedger } from './ledger.ts'
import { ada, mallory } from './people.ts'
import { type Place, takePlace } from './place.ts'
import { openQueue } from './statements/queue.ts'
import { registerWorker, startWorker } from './statements/start.ts'
import { createTextbook } from './textbook/textbook.ts'

export type Demo = { addresses: string[]; close(): Promise<void> }

/** Where the three begin to look for ports, unless the first one is asked for. */
const usualPort = 8600

/** Starts both banks and the attacker in this process, and the bank's worker in one of its own; what they keep is in `folder`. */
export async function startDemo(given: { folder: string; port: number | null }): Promise<Demo> {
  const { folder, port } = given
  mkdirSync(folder, { recursive: true })
  const opened: (() => unknown)[] = []
  const places: Place[] = []
  const close = async () => {
    // Nobody is to be answered any more when the books are closed.
    await Promise.all(places.map((place) => place.close()))
    for (const letGo of opened.splice(0).reverse()) await letGo()
  }
  try {
    const first = port ?? usualPort
    const isFixed = port !== null && port !== 0
    const take = async (name: string, offset: number) => {
      const place = await takePlace({ name, port: first === 0 ? 0 : first + offset, isFixed })
      places.push(place)
      return place
    }
    const bank = await take('bank.localhost', 0)
    const evil = await take('evil.localhost', 1)
    const textbook = await take('textbook.localhost', 2)
    await openAll({ folder, bank, evil, textbook, opened })
    return { addresses: [bank, evil, textbook].map(({ origin }) => origin), close }
  } catch (fault) {
    await close()
    throw fault
  }
}

async function openAll(given: {
  folder: string
  bank: Place
  evil: Place
  textbook: Place
  opened: (() => unknown)[]
}): Promise<void> {
  const { folder, bank, evil, textbook, opened } = given
  const addresses = { bank: bank.origin, evil: evil.origin, textbook: textbook.origin }
  const openBooks = (name: string) => {
    const ledger = openLedger(join(folder, name))
    opened.push(ledger.close)
    return ledger
  }
  const ledger = openBooks('bank-ledger.db')
  const database = `sqlite:${join(folder, 'bank-auth.db')}`
  const real = await createAuth({
    issuer: bank.origin,
    database,
    secret: secretIn(folder),
    policy: { scopes: { 'statement.read': 'Read your balance and your payments' } },
  })
  opened.push(real.close)
  const openAccounts = async () => {
    for (const person of [ada, mallory]) {
      await openAccount(real, bank.origin, person)
      ledger.balance(person.email)
    }
  }
  const [worker] = await Promise.all([registerWorker({ folder, database }), openAccounts()])

  const witness = createWitness()
  const auth = measuring(real)
  const queuePath = join(folder, 'statements-queue.db')
  const queue = openQueue(queuePath)
  opened.push(queue.close)
  const fetchBank = createBank({ auth, ledger, witness, addresses, queue, worker })
  opened.push(startWorker({ folder, bank: bank.origin, client: worker, queue: queuePath }).close)
  const live = createLive({ auth, ledger, witness, origin: bank.origin })
  bank.serve(listenerFor(fetchBank))
  bank.server.on('upgrade', (message, socket) => void live(message, socket))

  const weak = createTextbook(openBooks('textbook-ledger.db'), addresses)
  textbook.serve(weak.app)
  textbook.server.on('upgrade', weak.upgrade)

  const booksOf = (ledger: Ledger) => ({
    balance: () => ledger.balance(ada.email),
    stolen: () => ledger.spent(ada.email, forgedNote),
  })
  const referee = createReferee({
    ours: {
      ...booksOf(ledger),
      origin: bank.origin,
      journal: witness.journal,
      async isHere() {
        const headers = new Headers({ cookie: witness.lastCookies() ?? '' })
        const caller = await real.identify(new Request(bank.origin, { headers }), { isPassive: true })
        return caller?.account.email === ada.email
      },
      // None can be changed by a forgery here; where one were, nothing is to hide it.
      putPasswordsBack: () => {},
    },
    textbook: {
      ...booksOf(weak.ledger),
      origin: textbook.origin,
      journal: weak.journal,
      isHere: (by) => weak.isHere(by, ada.email),
      putPasswordsBack: weak.putPasswordsBack,
    },
  })
  const banks = { ours: bank.origin, textbook: textbook.origin }
  const startOver = () => {
    ledger.startOver()
    weak.startOver()
  }
  const app = createEvil({ banks, port: evil.port, referee, thief: createThief(banks), startOver })
  evil.serve(listenerFor((request) => app.fetch(request)))
}

/** Our own: where the root secret of a real bank comes from is in docs/deploy.md. */
function secretIn(folder: string): string {
  const file = join(folder, 'secret')
  if (!existsSync(file)) writeFileSync(file, randomBytes(32).toString('base64url'), { mode: 0o600 })
  return readFileSync(file, 'utf8')
}

function listenerFor(fetch: (request: Request, env: object) => Response | Promise<Response>) {
  // Left to itself, the listener answers 500 and tells nobody.
  const errorHandler = (fault: unknown) => {
    console.error('A request of the demonstration failed:', fault)
    return new Response(null, { status: 500 })
  }
  return getRequestListener(fetch, { overrideGlobalObjects: false, errorHandler })
}
