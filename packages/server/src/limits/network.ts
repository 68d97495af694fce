const longestAddress = 64

/**
 * What a limit counts: one IPv4 address, or the /64 that an IPv6 customer gets (whoever has one has 2^64 addresses).
 * One spelling for each: IPv4-mapped IPv6 is IPv4; zones, brackets and ports are dropped. `null` for everything else.
 */
export function networkOf(address: string | null): string | null {
  if (address === null || address.length > longestAddress) return null
  const bare = withoutPort(address.trim())
  const octets = parseIpv4(bare)
  if (octets !== null) return octets.join('.')
  const groups = parseIpv6(bare)
  if (groups === null) return null
  const mapped = mappedIpv4(groups)
  return mapped === null ? prefixOf(groups) : mapped.join('.')
}

/**
 * Whose request it is, behind `trustedHops` proxies of ours. Each of them appends the address it was called from,
 * so what stands further left than that many entries was written by the caller and is never believed.
 */
export function clientAddress(given: {
  remote: string | null
  forwardedFor: string | null
  trustedHops: number
}): string | null {
  const { remote, forwardedFor, trustedHops } = given
  if (trustedHops === 0 || forwardedFor === null) return remote
  const entry = forwardedFor.split(',').at(-trustedHops)?.trim() ?? null
  return networkOf(entry) === null ? remote : entry
}

/** `1.2.3.4:80`, `[::1]:80` and `[::1]` lose what is not address. A bare IPv6 address keeps its last group. */
function withoutPort(text: string): string {
  const found = /^(?:\[([^\]]*)\]|([\d.]+))(?::\d{1,5})?$/.exec(text)
  return found?.[1] ?? found?.[2] ?? text
}

/** Four decimal numbers. No leading zeros: some systems read 010 as 8. */
function parseIpv4(text: string): number[] | null {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part))) return null
  const octets = parts.map(Number)
  return octets.every((octet) => octet <= 255) ? octets : null
}

/** The eight groups (RFC 4291 section 2.2), the last two also written as IPv4. */
function parseIpv6(text: string): number[] | null {
  const [address = '', ...zones] = text.split('%')
  if (zones.length > 1 || !/^[\dA-Za-z.:-]+$/.test(zones[0] ?? 'none')) return null
  const [head = '', tail = null, ...more] = address.split('::')
  if (more.length > 0) return null
  if (tail === null) {
    const groups = parseGroups(head, { mayEndInIpv4: true })
    return groups?.length === 8 ? groups : null
  }
  const left = parseGroups(head, { mayEndInIpv4: false })
  const right = parseGroups(tail, { mayEndInIpv4: true })
  if (left === null || right === null || left.length + right.length > 7) return null
  return [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right]
}

function parseGroups(text: string, { mayEndInIpv4 }: { mayEndInIpv4: boolean }): number[] | null {
  if (text === '') return []
  const groups: number[] = []
  const parts = text.split(':')
  for (const [at, part] of parts.entries()) {
    if (/^[\da-f]{1,4}$/i.test(part)) {
      groups.push(Number.parseInt(part, 16))
      continue
    }
    const octets = mayEndInIpv4 && at === parts.length - 1 ? parseIpv4(part) : null
    if (octets === null) return null
    const [a = 0, b = 0, c = 0, d = 0] = octets
    groups.push(a * 256 + b, c * 256 + d)
  }
  return groups
}

function mappedIpv4(groups: number[]): number[] | null {
  if (groups.slice(0, 5).some((group) => group !== 0) || groups[5] !== 0xffff) return null
  const [high = 0, low = 0] = groups.slice(6)
  return [high >> 8, high & 255, low >> 8, low & 255]
}

/** The zeros at the end are always the longest run, so this is RFC 5952's one spelling. */
function prefixOf(groups: number[]): string {
  const prefix = groups.slice(0, 4)
  while (prefix.at(-1) === 0) prefix.pop()
  return `${prefix.map((group) => group.toString(16)).join(':')}::/64`
}
