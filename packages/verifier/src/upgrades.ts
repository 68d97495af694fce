import { afterJudging, type Checks } from './adapter.ts'
import type { Caller } from './caller.ts'
import type { IncomingRequest } from './incoming.ts'
import { problemFor } from './problem.ts'

/** What node hands an `upgrade` listener beside the request, whose response nobody has begun. */
export type UpgradeSocket = {
  readonly destroyed: boolean
  end(text: string): unknown
  destroy(): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  off(event: 'error', listener: (error: Error) => void): unknown
  once(event: 'finish', listener: () => void): unknown
}
type Handler<Asking, Socket, Head> = (
  request: Asking,
  socket: Socket,
  head: Head,
  caller: Caller | null,
) => unknown

/**
 * Around an `upgrade` listener of node's server, which no middleware ever sees: guards every upgrade before it, since
 * browsers open WebSockets of any site with our cookie, and hands it who asks, null for nobody. A refusal, also one that
 * the listener throws, is answered on the socket, which is closed then. Not checked: anything after the handshake.
 */
export function upgrading<Route>(checks: Checks<Route>) {
  return function upgrades<Asking extends IncomingRequest, Socket extends UpgradeSocket, Head>(
    handler: Handler<Asking, Socket, Head>,
    route?: Route,
  ): (request: Asking, socket: Socket, head: Head) => void {
    return function judgeUpgrade(request, socket, head) {
      // Node has let go of the socket: whoever hangs up while their caller is looked up would end the program.
      socket.on('error', ignore)
      const stop = (error: unknown) => refuseUpgrade(error, request, socket)
      const enter = (caller: Caller | null) => {
        socket.off('error', ignore)
        if (socket.destroyed) return
        try {
          const done = handler(request, socket, head, caller)
          if (done instanceof Promise) done.catch(stop)
        } catch (error) {
          stop(error)
        }
      }
      afterJudging((one: Asking) => checks.check(one, route), request, { enter, stop })
    }
  }
}

const ignore = () => undefined

/** Throws again what is no refusal, and leaves no socket open behind it. */
function refuseUpgrade(error: unknown, request: IncomingRequest, socket: UpgradeSocket): void {
  socket.on('error', ignore)
  const problem = problemFor(error, request)
  if (problem === null) {
    socket.destroy()
    throw error
  }
  const { status, headers, body } = problem
  const length = String(new TextEncoder().encode(body).length)
  const all = Object.entries({ ...headers, connection: 'close', 'content-length': length })
  const head = [`HTTP/1.1 ${status} `, ...all.map(([name, value]) => `${name}: ${value}`)].join('\r\n')
  socket.once('finish', () => socket.destroy())
  socket.end(`${head}\r\n\r\n${body}`)
}
