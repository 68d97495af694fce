import { encodeBase64url } from '@counterfoil/verifier'
import type { Db } from '../db/schema.ts'
import type { Feed } from '../feed/index.ts'
import type { Clock, Compress, Entropy } from '../machine.ts'
import { refuse } from '../refusals.ts'
import { lastTokenEnd, type SessionRecord } from '../sessions/index.ts'
import { signJwt } from './access-token.ts'
import type { Keys } from './key-operations.ts'
import type { Ring } from './keys.ts'
import {
  bitsOf,
  countedEach,
  drawPlace,
  listOf,
  placeIn,
  type StatusClaim,
  statusTimes,
} from './status-list.ts'
import * as store from './status-store.ts'

/** A signed list; `etag` names this very text. */
export type StatusList = { jwt: string; etag: string }

export type StatusLists = {
  /**
   * Where the status of what is made of this reading of a session is told, the same place for all of its tokens; `null` for
   * an audience that has no lists.
   */
  claimFor(audience: string, session: SessionRecord): Promise<StatusClaim | null>
  /** The list of this number, at most `statusTimes.looked` seconds behind the store; `null` where nobody has a place in it. */
  find(list: number): Promise<StatusList | null>
  prune(): Promise<void>
}

type Needs = {
  db: Db
  clock: Clock
  entropy: Entropy
  compress: Compress
  issuer: string
  /** Those that have lists. */
  audiences: readonly string[]
  keys: Keys
  feed: Feed
  /** How many lists are kept, so that they need not be signed for each who asks. */
  entries: number
}

type Kept = StatusList & { kid: string; epoch: number; position: number; madeAt: number; lookedAt: number }

/** Half of a list is free at the least, so far fewer will do. */
const rounds = 200
/** A place is free again this long after the last token that named it, for clocks that are wrong. */
const pruneAfterSeconds = 24 * 3600

export function createStatusLists(needs: Needs): StatusLists {
  const { db, clock, entropy, compress, issuer, audiences, keys, feed, entries } = needs
  const kept = new Map<number, Kept>()
  const making = new Map<number, Promise<Kept | null>>()
  const uriOf = (list: number) => `${issuer}/status/${list}`

  async function placeFor(session: SessionRecord): Promise<number> {
    // Ends that came before this reading are no ends of what is made of it.
    const about = { sessionId: session.id, cutoff: lastTokenEnd(session) }
    for (let round = 0; round < rounds; round++) {
      const known = await store.findPlace(db, about)
      if (known !== null) return known
      const drawn = drawPlace(entropy.bytes(9))
      const list = (await store.findOpenList(db)) ?? (await store.openList(db, drawn.list))
      const place = placeIn(list, drawn.index)
      if (!(await store.takePlace(db, { ...about, place, expiresAt: session.expires_at }))) continue
      if (drawn.isCounted) await store.countGiven(db, { list, given: countedEach })
      return place
    }
    refuse('busy', { retryAfterSeconds: 1 })
  }

  async function sign(ring: Ring, list: number, given: store.ListRead & { at: number }): Promise<Kept> {
    const { epoch, position, ended, at } = given
    const lst = encodeBase64url(await compress(bitsOf(ended)))
    const { ttl, life } = statusTimes
    const claims = {
      iss: issuer,
      sub: uriOf(list),
      iat: at,
      exp: at + life,
      ttl,
      status_list: { bits: 1, lst },
      // A list says nothing of its own about its age among others: whoever keeps these two takes no older one.
      feed_epoch: epoch,
      feed_position: position,
    }
    const jwt = signJwt(ring, { typ: 'statuslist+jwt', claims })
    // The signature is over all of it.
    const etag = `"${jwt.slice(jwt.lastIndexOf('.') + 1)}"`
    return { jwt, etag, kid: ring.kid, epoch, position, madeAt: at, lookedAt: at }
  }

  /** The same list again where nothing has ended anywhere, another one otherwise. */
  async function make(list: number): Promise<Kept | null> {
    // Before anything is written or signed: numbers that strangers make up cost one look.
    if (!(await store.isGiven(db, list))) {
      kept.delete(list)
      return null
    }
    feed.hub.requireClock()
    const ring = await keys.ring()
    const at = clock.now()
    const known = kept.get(list)
    if (known?.kid === ring.kid && isWithin(known.madeAt, { at, seconds: statusTimes.ttl })) {
      const head = await feed.ask(
        () => store.readHead(db),
        ({ position }) => position,
      )
      if (head.epoch === known.epoch && head.position === known.position)
        return keep(list, { ...known, lookedAt: at })
    }
    const read = await feed.ask(
      () => store.readList(db, list),
      ({ position }) => position,
    )
    return keep(list, await sign(ring, list, { ...read, at }))
  }

  function keep(list: number, made: Kept): Kept {
    kept.delete(list)
    kept.set(list, made)
    for (const oldest of kept.keys()) {
      if (kept.size <= entries) break
      kept.delete(oldest)
    }
    return made
  }

  return {
    async claimFor(audience, session) {
      if (!audiences.includes(audience)) return null
      const { list, index } = listOf(await placeFor(session))
      return { status_list: { idx: index, uri: uriOf(list) } }
    },
    async find(list) {
      const known = kept.get(list)
      if (known && isWithin(known.lookedAt, { at: clock.now(), seconds: statusTimes.looked })) return known
      // However many ask, one reads and signs.
      const running = making.get(list) ?? make(list).finally(() => making.delete(list))
      making.set(list, running)
      return running
    },
    prune: () => store.prune(db, clock.now() - pruneAfterSeconds),
  }
}

/** Also `false` for a time that has not come yet: a clock that was set back keeps nothing for longer. */
function isWithin(from: number, { at, seconds }: { at: number; seconds: number }): boolean {
  return at >= from && at < from + seconds
}
