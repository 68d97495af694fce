import type { Auth, Caller } from 'counterfoil'
import { adapt, type CallerVariables } from 'counterfoil/hono'
import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { centsOf, type Ledger } from '../ledger.ts'
import type { Queue } from '../statements/queue.ts'
import { problem } from './answers.ts'
import { type Addresses, counterPart, pageOf, sayings, signInPart } from './pages.ts'
import { statementsPart } from './statements.ts'
import type { Witness } from './witness.ts'

export type Parts = {
  auth: Auth
  ledger: Ledger
  witness: Witness
  addresses: Addresses
  queue: Queue
  /** The client that writes monthly statements. */
  worker: string
}

type Env = { Variables: CallerVariables }

/** Whose account it is. A caller without an address is a service that acts for itself, and has no account here. */
export const holderOf = ({ account }: Caller): string => account.email ?? account.id

/** The person who is here; `null` for nobody, and for a job that acts for somebody. */
const personIn = (caller: Caller | null): Caller | null => (caller?.actor === null ? caller : null)

/**
 * The bank, with Counterfoil beside it: signing up and in, devices and passwords are answered by `serve`, which judges
 * every other request. No route below does anything about forged requests, and neither would one that is added tomorrow.
 */
export function bankRoutes({ auth, ledger, witness, addresses, queue, worker }: Parts): Hono<Env> {
  const { serve, required, callerOf } = adapt(auth)
  const app = new Hono<Env>()
  app.use(serve())

  app.get('/', (c) => show(c, null))
  // The part of the page that is about who is asking: script fetches it alone, by either carrier.
  app.get('/counter', (c) => c.html(part(c.var.caller, null), personIn(c.var.caller) === null ? 401 : 200))

  app.get('/balance', required({ present: true }), (c) => {
    const holder = holderOf(callerOf(c))
    return c.json({ balance: ledger.balance(holder) / 100, payments: ledger.payments(holder) })
  })

  // What a job may see that was let, and all that it may do here: every other route wants the person.
  app.get('/statement', required({ scope: 'statement.read' }), (c) => {
    const holder = holderOf(callerOf(c))
    return c.json({ balance: ledger.balance(holder), payments: ledger.payments(holder) })
  })

  // Counterfoil asks the person, on a page of its own: the bank says who is to do what.
  app.get('/statements/ask', async (c) => {
    const caller = personIn(c.var.caller)
    // A window that goes by token carries nothing here: pages are by cookie.
    if (caller === null) return c.redirect('/sign-in?next=/statements/ask', 303)
    const address = await auth.grants.request({
      ...{ client_id: worker, scope: 'statement.read', audience: addresses.bank, expires_in: 90 * 24 * 3600 },
      purpose: 'Write you a statement of your account each month',
      ...{ account_id: caller.account.id, return_to: '/statements/allowed' },
    })
    return c.redirect(address, 303)
  })

  // Where the person comes back to. What they have allowed is not the address's to say: Counterfoil is asked. To come here
  // again, or to be led here, begins nothing that is not allowed, so that a GET may do it.
  app.get('/statements/allowed', required({ present: true }), async (c) => {
    const headers = { cookie: c.req.header('cookie') ?? '', accept: 'application/json' }
    const answer = await auth.fetch(new Request(`${addresses.bank}/auth/grants`, { headers }))
    const { grants = [] } = (await answer.json()) as { grants?: { id: string; client_id: string }[] }
    const [newest] = grants.filter(({ client_id }) => client_id === worker)
    const holder = holderOf(callerOf(c))
    if (newest !== undefined) queue.add({ holder, grant: newest.id, now: Date.now() })
    return c.redirect('/', 303)
  })

  app.post('/payments', bodyLimit({ maxSize: 4096 }), async (c) => {
    const { caller } = c.var
    if (caller !== null && personIn(caller) === null) return problem('presence_required', 403)
    const order = await orderIn(c.req.raw)
    if (order === null) return problem('input_invalid', 422)
    const { isForm, to, cents, note } = order
    if (caller === null) {
      return isForm ? c.redirect('/sign-in?next=/', 303) : problem('credential_missing', 401)
    }
    const from = holderOf(caller)
    const outcome = cents === null ? 'amount_invalid' : ledger.pay({ from, to, cents, note })
    if (outcome !== 'paid') return isForm ? show(c, sayings[outcome]) : problem(outcome, 422)
    return isForm ? c.redirect('/', 303) : c.json({ balance: ledger.balance(from) / 100 }, 201)
  })

  app.all('/payments', () => problem('method_wrong', 405))

  function show(c: Context<Env>, notice: string | null) {
    return c.html(pageOf({ addresses, part: part(c.var.caller, notice), recent: witness.recent() }))
  }

  function part(asking: Caller | null, notice: string | null) {
    const caller = personIn(asking)
    if (caller === null) return signInPart(notice)
    const holder = holderOf(caller)
    const [balance, payments] = [ledger.balance(holder), ledger.payments(holder)]
    const statements = statementsPart({ job: queue.jobOf(holder), written: queue.statementsOf(holder) })
    return counterPart({ caller, balance, payments, notice, statements })
  }

  return app
}

type Order = { isForm: boolean; to: string; cents: number | null; note: string }

/** From script as JSON, from the page's own form as a form: for the guard there is no difference. */
async function orderIn(request: Request): Promise<Order | null> {
  const type = request.headers.get('content-type')?.split(';', 1)[0]
  const isForm = type === 'application/x-www-form-urlencoded'
  if (!isForm && type !== 'application/json') return null
  const text = await request.text()
  const given: unknown = isForm ? Object.fromEntries(new URLSearchParams(text)) : parsed(text)
  if (given === null || typeof given !== 'object') return null
  const { to, amount, note = '' } = given as Record<string, unknown>
  if (typeof to !== 'string' || typeof note !== 'string') return null
  return { isForm, to: to.trim(), cents: centsOf(amount), note: note.slice(0, 140) }
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return null
  }
}
