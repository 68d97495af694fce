import type { Auth, Caller } from 'counterfoil'
import { adapt, type CallerVariables } from 'counterfoil/hono'
import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { centsOf, type Ledger } from '../ledger.ts'
import { problem } from './answers.ts'
import { type Addresses, counterPart, pageOf, sayings, signInPart } from './pages.ts'
import type { Witness } from './witness.ts'

export type Parts = { auth: Auth; ledger: Ledger; witness: Witness; addresses: Addresses }

type Env = { Variables: CallerVariables }

/** Whose account it is: a token of a background job may know no address, and then it has no account here. */
export const holderOf = ({ account }: Caller): string => account.email ?? account.id

/**
 * The bank, with Counterfoil beside it: signing up and in, devices and passwords are answered by `serve`, which judges
 * every other request. No route below does anything about forged requests, and neither would one that is added tomorrow.
 */
export function bankRoutes({ auth, ledger, witness, addresses }: Parts): Hono<Env> {
  const { serve, required, callerOf } = adapt(auth)
  const app = new Hono<Env>()
  app.use(serve())

  app.get('/', (c) => show(c, null))
  // The part of the page that is about who is asking: script fetches it alone, by either carrier.
  app.get('/counter', (c) => c.html(part(c.var.caller, null), c.var.caller === null ? 401 : 200))

  app.get('/balance', required(), (c) => {
    const holder = holderOf(callerOf(c))
    return c.json({ balance: ledger.balance(holder) / 100, payments: ledger.payments(holder) })
  })

  app.post('/payments', bodyLimit({ maxSize: 4096 }), async (c) => {
    const { caller } = c.var
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

  function part(caller: Caller | null, notice: string | null) {
    if (caller === null) return signInPart(notice)
    const holder = holderOf(caller)
    const [balance, payments] = [ledger.balance(holder), ledger.payments(holder)]
    return counterPart({ caller, balance, payments, notice })
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
