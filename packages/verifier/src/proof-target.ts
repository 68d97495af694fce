// RFC 9449 4.3: the address of a request without query and fragment. Two spellings of one address are one (RFC 3986
// 6.2.2 and 6.2.3), and an address that parsers read differently is none.

const printable = /^https?:\/\/[\x21\x23-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e]+$/i

/** The address that a proof has to name: our own origin, whatever `Host` says, and the path of the request. */
export function targetOf(origin: string, requestTarget: string): string | null {
  const path = pathOf(requestTarget)
  return path?.startsWith('/') ? origin + path : null
}

/** Whether `htu` names `target`, which is `targetOf` this request. */
export function isTarget(htu: string, target: string): boolean {
  if (htu === target) return true
  const named = normalTarget(htu)
  return named !== null && named === normalTarget(target)
}

/** Lower-case scheme and host, no default port, no dot segments, no escape that is not needed; null for no address. */
function normalTarget(address: string): string | null {
  if (!printable.test(address) || !URL.canParse(address)) return null
  const { origin, pathname, username, password } = new URL(address)
  if (username !== '' || password !== '') return null
  return origin + pathname.replace(/%([0-9A-Fa-f]{2})/g, plain)
}

function plain(escaped: string, digits: string): string {
  const character = String.fromCharCode(Number.parseInt(digits, 16))
  return /[A-Za-z0-9._~-]/.test(character) ? character : escaped.toUpperCase()
}

/** Of a request target in origin or absolute form (RFC 9112 3.2). What an absolute one names as host is not believed. */
function pathOf(requestTarget: string): string | null {
  const start = requestTarget.startsWith('/') ? 0 : startOfPath(requestTarget)
  if (start === null) return null
  const end = requestTarget.slice(start).search(/[?#]/)
  const path = end === -1 ? requestTarget.slice(start) : requestTarget.slice(start, start + end)
  return path === '' ? '/' : path
}

function startOfPath(absolute: string): number | null {
  const authority = /^https?:\/\/[^/?#]+/i.exec(absolute)
  return authority === null ? null : authority[0].length
}
