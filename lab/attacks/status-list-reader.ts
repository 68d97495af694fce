// A third party that takes no word of ours on trust: what docs/status-list.md asks of whoever reads a list, in one file.
import { inflateSync } from 'node:zlib'
import { type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'

export type StatusReader = {
  /** Takes a list, or throws: it has to be signed, of this address, in time, well formed and no older than one before. */
  take(text: string, uri: string): Promise<void>
  /** Whether what names this place is good; throws without a list that is fresh, and for a place that it does not have. */
  isValid(status: { idx: number; uri: string }): boolean
  /** When the list has to be fetched again; bounded, whatever it says. */
  fetchAgainAt(uri: string): number
}

type Held = { bits: Uint8Array; size: number; epoch: number; position: number; until: number; again: number }

/** More than any list of ours unpacks to. A megabyte of zeros packs into a thousand bytes, a gigabyte into a million. */
const unpackedMost = 2 ** 20
const packedMost = 2 ** 21
const [shortestSeconds, longestSeconds] = [5, 300]
const graceSeconds = 30

export function statusReader(given: {
  issuer: string
  keys: JWTVerifyGetKey
  now: () => number
}): StatusReader {
  const { issuer, keys, now } = given
  const held = new Map<string, Held>()
  return {
    async take(text, uri) {
      if (text.length > packedMost) throw new Error('too long')
      const { payload } = await jwtVerify(text, keys, {
        ...{ issuer, subject: uri, typ: 'statuslist+jwt', algorithms: ['ES256', 'Ed25519', 'RS256'] },
        ...{ requiredClaims: ['iat', 'exp', 'sub'], currentDate: new Date(now() * 1000) },
        clockTolerance: graceSeconds,
      })
      const [iat, exp] = [whole(payload.iat), whole(payload.exp)]
      if (iat > now() + graceSeconds) throw new Error('made in the future')
      const [epoch, position] = [whole(payload.feed_epoch), whole(payload.feed_position)]
      const before = held.get(uri)
      if (before && (epoch < before.epoch || (epoch === before.epoch && position < before.position)))
        throw new Error('older than the one before')
      const { bits, size } = unpack(payload)
      const ttl = Math.min(Math.max(whole(payload.ttl ?? shortestSeconds), shortestSeconds), longestSeconds)
      const until = Math.min(exp, iat + longestSeconds)
      held.set(uri, { bits, size, epoch, position, until, again: now() + ttl })
    },
    isValid({ uri, idx }) {
      const list = held.get(uri)
      if (list === undefined || now() >= list.until) throw new Error('no fresh list')
      const at = whole(idx) * list.size
      const byte = list.bits[Math.floor(at / 8)]
      if (byte === undefined) throw new Error('the list has no such place')
      // 1 is "invalid", all others are at least not "valid".
      return ((byte >> (at % 8)) & (2 ** list.size - 1)) === 0
    },
    fetchAgainAt: (uri) => held.get(uri)?.again ?? 0,
  }
}

function unpack(payload: JWTPayload): { bits: Uint8Array; size: number } {
  const { bits: size, lst } = (payload.status_list ?? {}) as { bits?: unknown; lst?: unknown }
  if (typeof size !== 'number' || ![1, 2, 4, 8].includes(size)) throw new Error('unknown size of bits')
  if (typeof lst !== 'string' || !/^[\w-]+$/.test(lst)) throw new Error('no list')
  return { size, bits: inflateSync(Buffer.from(lst, 'base64url'), { maxOutputLength: unpackedMost }) }
}

function whole(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw new Error('no whole number')
  return value
}
