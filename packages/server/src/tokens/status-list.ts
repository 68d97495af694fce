/** The claim `status` of a token: where its status can be read (draft-ietf-oauth-status-list, 6.1). */
export type StatusClaim = { status_list: { idx: number; uri: string } }

/** How many places a list has. A list of which half was given away is followed by another. */
export const listPlaces = 2 ** 16
export const listRoom = listPlaces / 2
/** One place in so many is counted, for so many: otherwise all new sessions would queue for one row. */
export const countedEach = 64

/** In seconds. Whoever reads a list each `ttl` learns of an end within `looked + 2 * ttl`, if a cache is in between. */
export const statusTimes = {
  /** How long a list that was made is handed out without another look at the store. */
  looked: 5,
  ttl: 30,
  /** A list that is played back is good for no longer than this. */
  life: 120,
}

/** The highest number that a list can have; drawn at random, they tell neither order nor number. */
const highestList = 2 ** 31 - 1

/** A place is one number over all lists, so that one range is one list. */
export const placeIn = (list: number, index: number) => list * listPlaces + index

export function listOf(place: number): { list: number; index: number } {
  return { list: Math.floor(place / listPlaces), index: place % listPlaces }
}

/** A list's number, a place in it, and whether it is one of those that are counted, from 9 random bytes. */
export function drawPlace(bytes: Uint8Array): { list: number; index: number; isCounted: boolean } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return {
    list: view.getUint32(0) & highestList,
    index: view.getUint32(4) % listPlaces,
    isCounted: view.getUint8(8) % countedEach === 0,
  }
}

/** The number in an address, `null` for what is not the one spelling of one. */
export function readList(text: string): number | null {
  if (!/^(?:0|[1-9]\d{0,9})$/.test(text)) return null
  const list = Number(text)
  return list <= highestList ? list : null
}

/** One bit a place, the lowest bit of a byte first: 1 is "invalid", for good. */
export function bitsOf(ended: Iterable<number>): Uint8Array {
  const bytes = new Uint8Array(listPlaces / 8)
  for (const place of ended) {
    const { index } = listOf(place)
    bytes[index >> 3] = (bytes[index >> 3] ?? 0) | (1 << (index & 7))
  }
  return bytes
}
