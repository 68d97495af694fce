import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type Auth, Refusal } from 'counterfoil'
import { type Ledger, money } from '../ledger.ts'
import { acceptSocket, refuseSocket } from '../socket.ts'
import { problem } from './answers.ts'
import { holderOf } from './routes.ts'
import type { Witness } from './witness.ts'

type Parts = { auth: Auth; ledger: Ledger; witness: Witness; origin: string }

/**
 * `GET /live`, a WebSocket that tells the balance whenever it moves. The handshake is judged like any other request
 * that could change something, since a browser opens one from any site and with the cookie. An open socket outlives
 * its handshake, so who it is for is asked again each time that it speaks.
 */
export function createLive({ auth, ledger, witness, origin }: Parts) {
  async function judge(message: IncomingMessage): Promise<Response> {
    try {
      auth.demand(await auth.check(message), { present: true })
      return new Response()
    } catch (fault) {
      if (fault instanceof Refusal) return problem(fault.code, fault.status)
      throw fault
    }
  }

  return async (message: IncomingMessage, socket: Duplex): Promise<void> => {
    const { ok, status } = await witness.watch(requestOf(message, origin), () => judge(message))
    if (!ok) return refuseSocket(socket, status)

    const say = acceptSocket(message, socket)
    const tell = async () => {
      const caller = await auth.identify(message, { isPassive: true }).catch(() => null)
      if (caller === null) socket.end()
      else say(money(ledger.balance(holderOf(caller))))
    }
    const stop = witness.listen(({ changed }) => {
      if (changed !== null) void tell()
    })
    socket.on('close', stop)
    await tell()
  }
}

/** For the panel, which tells of web requests. */
function requestOf({ url, headers }: IncomingMessage, origin: string): Request {
  const all = new Headers()
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) all.set(name, String(value))
  return new Request(new URL(url ?? '/', origin), { headers: all })
}
