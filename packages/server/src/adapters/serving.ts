import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Auth } from '../contract.ts'
import { requestListener } from '../node/listen.ts'

/** What an adapter needs of the server. */
export type Adaptable = Pick<Auth, 'fetch' | 'serves' | 'check' | 'demand' | 'guard'>

export type NodeRequest = IncomingMessage
export type NodeResponse = ServerResponse

/** Answers a request if its path is one of the server's own, and says whether it does. */
export function serving(auth: Adaptable): (request: NodeRequest, response: NodeResponse) => boolean {
  const answer = requestListener((request, remote) => auth.fetch(request, remote))
  return (request, response) => {
    if (!auth.serves(pathOf(request.url ?? ''))) return false
    if (request.readableDidRead)
      throw new Error('the body was read already: serve() comes before whatever parses bodies')
    void answer(request, response)
    return true
  }
}

/** A target in absolute form is no path of ours, and the application's to answer. */
function pathOf(target: string): string {
  const end = target.indexOf('?')
  return end === -1 ? target : target.slice(0, end)
}
