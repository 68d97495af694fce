import assert from 'node:assert/strict'
import { isIPv4, isIPv6 } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { systemEntropy } from '../node/entropy.ts'
import { clientAddress, networkOf } from './network.ts'

const networks: [address: string, network: string | null][] = [
  ['1.2.3.4', '1.2.3.4'],
  ['1.2.3.4:443', '1.2.3.4'],
  [' 1.2.3.4 ', '1.2.3.4'],
  ['255.255.255.255', '255.255.255.255'],
  ['0.0.0.0', '0.0.0.0'],
  ['::ffff:1.2.3.4', '1.2.3.4'],
  ['::FFFF:102:304', '1.2.3.4'],
  ['0:0:0:0:0:ffff:1.2.3.4', '1.2.3.4'],
  ['[::ffff:1.2.3.4]:80', '1.2.3.4'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:0DB8:0001:0002::', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8::/64'],
  ['2001:db8:0:1::1', '2001:db8:0:1::/64'],
  ['[2001:db8::1]:443', '2001:db8::/64'],
  ['[2001:db8::1]', '2001:db8::/64'],
  ['fe80::1%eth0', 'fe80::/64'],
  ['fe80::1%25eth0.1', 'fe80::/64'],
  ['::', '::/64'],
  ['::1', '::/64'],
  ['::1.2.3.4', '::/64'],
  ['64:ff9b::1.2.3.4', '64:ff9b::/64'],
  ['1:2:3:4:5:6:7::', '1:2:3:4::/64'],
  ['::2:3:4:5:6:7:8', '0:2:3:4::/64'],
  ['', null],
  ['unknown', null],
  ['_hidden', null],
  ['localhost', null],
  ['1.2.3', null],
  ['1.2.3.4.5', null],
  ['1.2.3.256', null],
  ['01.2.3.4', null],
  ['0x1.2.3.4', null],
  ['1.2.3.4:', null],
  ['1.2.3.4:123456', null],
  ['1.2.3.4%eth0', null],
  ['1.2.3.4/24', null],
  ['-1.2.3.4', null],
  ['١.2.3.4', null],
  ['1.2.3.4\u0000', null],
  [':', null],
  [':::', null],
  ['1::2::3', null],
  ['1:2:3:4:5:6:7', null],
  ['1:2:3:4:5:6:7:8:9', null],
  ['1:2:3:4:5:6:7:8::', null],
  [':1:2:3:4:5:6:7', null],
  ['1:2:3:4:5:6:7:', null],
  ['12345::', null],
  ['g::', null],
  ['1.2.3.4::', null],
  ['::1.2.3.4:5', null],
  ['::ffff:1.2.3.04', null],
  ['fe80::1%', null],
  ['fe80::1%a%b', null],
  ['[::1', null],
  ['[::1]x', null],
  [`::1%${'z'.repeat(100)}`, null],
]

for (const [address, network] of networks) {
  test(`${JSON.stringify(address.slice(0, 40))} ${network === null ? 'is no address' : `belongs to ${network}`}`, () => {
    assert.equal(networkOf(address), network)
  })
}

test('a request without an address belongs to no network', () => {
  assert.equal(networkOf(null), null)
})

const seed = Buffer.from(systemEntropy.bytes(4)).readInt32BE()
const options = { numRuns: 10_000, seed }
test(`10,000 random addresses (seed ${seed})`, async (t) => {
  await t.test('every spelling of a valid address gives one network, which is stable', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => {
        const network = networkOf(address)
        assert.ok(network !== null)
        assert.equal(networkOf(address.toUpperCase()), network)
        assert.equal(networkOf(network.replace('/64', '')), network)
        if (!isIPv4(address)) assert.equal(networkOf(`[${address}]:1`), network)
      }),
      options,
    )
  })
  await t.test('what the platform takes for no address is none for us, and nothing throws', () => {
    const piece = fc.oneof(
      fc.constantFrom(':', '::', '.', '%', '0', 'ffff', '1.2.3.4', '255', 'g', '[', ']', ' '),
      fc.string({ maxLength: 3 }),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join('')
        const network = networkOf(text)
        if (/[[\] ]|^[^:]*:\d*$/.test(text) || text.trim() !== text) return
        assert.equal(network !== null, isIPv4(text) || isIPv6(text), text)
      }),
      options,
    )
  })
  await t.test('the address believed is never one that the caller wrote', () => {
    const address = fc.oneof(fc.ipV4(), fc.ipV6(), fc.string({ maxLength: 8 }))
    fc.assert(
      fc.property(fc.array(address), fc.ipV4(), fc.ipV4(), fc.ipV4(), (forged, caller, outer, inner) => {
        const forwardedFor = [...forged, caller, outer].join(', ')
        assert.equal(clientAddress({ remote: inner, forwardedFor, trustedHops: 2 }), caller)
        assert.equal(clientAddress({ remote: inner, forwardedFor, trustedHops: 0 }), inner)
      }),
      options,
    )
  })
})

const clients: [what: string, forwardedFor: string | null, trustedHops: number, expected: string][] = [
  ['without proxies the header is ignored', '1.1.1.1', 0, '9.9.9.9'],
  ['one proxy wrote the last entry', '6.6.6.6, 1.1.1.1', 1, '1.1.1.1'],
  ['two proxies: the last but one', '6.6.6.6, 1.1.1.1, 2.2.2.2', 2, '1.1.1.1'],
  ['no header at all', null, 1, '9.9.9.9'],
  ['fewer entries than proxies', '1.1.1.1', 2, '9.9.9.9'],
  ['garbage where the address should be', '1.1.1.1, unknown', 1, '9.9.9.9'],
  ['an empty entry', '1.1.1.1, ', 1, '9.9.9.9'],
  ['an empty header', '', 1, '9.9.9.9'],
  ['an entry with a port', '[2001:db8::1]:1234', 1, '[2001:db8::1]:1234'],
]

for (const [what, forwardedFor, trustedHops, expected] of clients) {
  test(`the caller’s address: ${what}`, () => {
    assert.equal(clientAddress({ remote: '9.9.9.9', forwardedFor, trustedHops }), expected)
  })
}
