import { type Route, route } from '../http/route.ts'
import { refuse } from '../refusals.ts'
import type { Keys } from './key-operations.ts'
import { readList, statusTimes } from './status-list.ts'
import type { StatusLists } from './status-operations.ts'

export function keyRoutes(keys: Keys): Route[] {
  return [
    route({
      method: 'GET',
      path: '/.well-known/jwks.json',
      kind: 'open',
      caller: 'ignored',
      handle: async () => {
        const { jwks } = await keys.ring()
        return { status: 200, keepSeconds: 300, text: { body: jwks, type: 'application/jwk-set+json' } }
      },
    }),
  ]
}

export function statusRoutes(lists: StatusLists): Route[] {
  return [
    route({
      method: 'GET',
      path: '/status/:list',
      kind: 'open',
      caller: 'ignored',
      async handle({ params, ifNoneMatch }) {
        const list = readList(params.list ?? '')
        const found = list === null ? null : await lists.find(list)
        if (found === null) refuse('not_found')
        const { jwt, etag } = found
        const keepSeconds = statusTimes.ttl
        if (ifNoneMatch === etag) return { status: 304, etag, keepSeconds }
        return { status: 200, etag, keepSeconds, text: { body: jwt, type: 'application/statuslist+jwt' } }
      },
    }),
  ]
}
