import type { ClientTable, Db } from '../db/schema.ts'
import { transact } from '../db/transact.ts'
import type { Events } from '../events.ts'
import type { Feed } from '../feed/index.ts'
import type { Clock, Entropy, Secrets } from '../machine.ts'
import { refuse } from '../refusals.ts'
import { readBasic } from './credentials.ts'
import * as store from './store.ts'

export type Clients = {
  /** A client that proves itself by a secret, which is shown here and never again. */
  add(name: string): Promise<{ client_id: string; client_secret: string }>
  list(): Promise<ClientTable[]>
  /** The client and all that was begun in its name are over. `false` where there is no such client of one's own. */
  remove(id: string): Promise<boolean>
  /** Which client an `Authorization` header proves; `client_invalid` where it proves none. */
  authenticate(authorization: string | null): Promise<{ id: string; name: string }>
}

type Needs = { db: Db; clock: Clock; entropy: Entropy; secrets: Secrets; feed: Feed; events: Events }

const secretBytes = 32
/** What an unknown client's secret is compared with, so that both cost the same. */
const nobody = 'A'.repeat(43)

export function createClients({ db, clock, entropy, secrets, feed, events }: Needs): Clients {
  return {
    async add(name) {
      const id = entropy.id()
      const secret = Buffer.from(entropy.bytes(secretBytes)).toString('base64url')
      await transact(db, async (tx) => {
        const secret_hash = secrets.hash(secret)
        await store.insert(tx, { id, name, end_position: 0, created_at: clock.now(), secret_hash })
        await events.record(tx, { kind: 'client_added', outcome: 'done', detail: id })
      })
      return { client_id: id, client_secret: secret }
    },
    list: () => store.list(db),
    remove: (id) =>
      transact(db, async (tx) => {
        if (!(await store.remove(tx, id))) return false
        await events.record(tx, { kind: 'client_removed', outcome: 'done', detail: id })
        await feed.append(tx, [{ kind: 'client', id }])
        return true
      }),
    async authenticate(authorization) {
      const shown = readBasic(authorization)
      if (shown === null) refuse('client_invalid')
      const client = await store.find(db, shown.id)
      const fits = secrets.equal(client?.secret_hash ?? nobody, secrets.hash(shown.secret))
      if (client === undefined || !fits) refuse('client_invalid')
      return { id: client.id, name: client.name }
    },
  }
}
