import { type LookupAddress, lookup as resolve } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { promisify } from 'node:util'

/** `origin`: as browsers see it, which need not be the address that is attacked. */
export type Target = { url: URL; isLoopback: boolean }

/** Where the target really is, found once: a name that changes its mind during the run leads nowhere else. */
export type Address = readonly LookupAddress[]

const addressesOfThisMachine: Address = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
]

/** Throws with advice where it is no plain http or https address. */
export function parseTarget(given: string): Target {
  const url = URL.canParse(given) ? new URL(given) : null
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw new Error('Give the address of the deployment, such as https://shop.example.')
  }
  if (url.username !== '' || url.password !== '') {
    throw new Error('Leave name and password out of the address: an address ends up in logs.')
  }
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw new Error('Give the origin alone, without a path: the description names the routes.')
  }
  return { url, isLoopback: isLoopback(url.hostname) }
}

function isLoopback(hostname: string): boolean {
  const name = hostname.replace(/\.$/, '')
  return name === '[::1]' || namesThisMachine(name) || (isIP(name) === 4 && name.startsWith('127.'))
}

// Browsers and curl know these names; Node's resolver leaves them to the machine, which often does not.
const namesThisMachine = (name: string) => name === 'localhost' || name.endsWith('.localhost')

export async function addressOf({ url }: Target): Promise<Address> {
  const name = url.hostname.replace(/^\[|\]$/g, '')
  if (namesThisMachine(name.replace(/\.$/, ''))) return addressesOfThisMachine
  if (isIP(name) !== 0) return [{ address: name, family: isIP(name) }]
  try {
    return await promisify(resolve)(name, { all: true })
  } catch {
    throw new Error(`There is no address for ${url.hostname}.`)
  }
}

export function lookupFor(address: Address): LookupFunction {
  const [first = { address: '127.0.0.1', family: 4 }] = address
  return (_, options, done) => {
    if (options.all === true) done(null, [...address])
    else done(null, first.address, first.family)
  }
}
