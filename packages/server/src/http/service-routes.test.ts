import assert from 'node:assert/strict'
import { it } from 'node:test'
import { type HouseOptions, onEachEngine, openHouse } from '../testing/index.ts'

const token = 'a token that operators keep'
const https = 'https://auth.example'
const transport = { send: async () => {} }
const bearer = { authorization: `Bearer ${token}` }

type Asked = { path?: string; address?: string; headers?: Record<string, string> }
type Case = [what: string, options: HouseOptions, asked: Asked, status: number]

/** What proxies add, each by itself. */
const proxied: Record<string, string>[] = [
  { via: '1.1 proxy' },
  { forwarded: 'for=192.0.2.1' },
  { 'x-real-ip': '192.0.2.1' },
  { 'x-forwarded-for': '127.0.0.1' },
  { 'x-forwarded-host': 'localhost' },
  { 'x-forwarded-proto': 'https' },
  { 'x-forwarded-for': '' },
]

const near: Case[] = [
  ['this machine', {}, {}, 200],
  ['this machine by IPv6', {}, { address: '::1' }, 200],
  ['this machine by an IPv4 address in IPv6', {}, { address: '::ffff:127.0.0.1' }, 200],
  ['another machine', {}, { address: '192.0.2.1' }, 404],
  [
    'another machine that says it is this one',
    {},
    { address: '192.0.2.1', headers: { host: 'localhost' } },
    404,
  ],
  ['an address that only begins like this machine', {}, { address: '127.0.0.1.example' }, 404],
  ['a name that was made to lead here', {}, { path: 'http://evil.example:3000' }, 404],
  ['a name that only ends like ours', {}, { path: 'http://notlocalhost:3000' }, 404],
  ...proxied.map((headers): Case => [`a proxy here (${JSON.stringify(headers)})`, {}, { headers }, 404]),
]

const onlyToken: Case[] = [
  ['an https issuer, from this machine', { issuer: https }, {}, 404],
  ['an https issuer, by a loopback name', { issuer: https }, { path: 'http://127.0.0.1:3000' }, 404],
  ['an https issuer without a token, however it is asked', { issuer: https }, { headers: bearer }, 404],
  ['an https issuer with its token', { issuer: https, metricsToken: token }, { headers: bearer }, 200],
  ['an https issuer, its token unsaid', { issuer: https, metricsToken: token }, {}, 404],
  [
    'an https issuer with its token, from anywhere, through a proxy',
    { issuer: https, metricsToken: token },
    { headers: { ...bearer, 'x-forwarded-for': '192.0.2.1' }, address: '192.0.2.1' },
    200,
  ],
  ['development with a token, from this machine without it', { metricsToken: token }, {}, 404],
  ['development with a token', { metricsToken: token }, { headers: bearer }, 200],
  ...[
    'Bearer ',
    'Bearer x',
    `bearer${token}`,
    `Basic ${token}`,
    token,
    `Bearer ${token}x`,
    'Bearer null',
  ].map(
    (authorization): Case => [
      `a wrong token (${authorization})`,
      { issuer: https, metricsToken: token },
      { headers: { authorization } },
      404,
    ],
  ),
]

const mailbox: Case[] = [
  [
    'an https issuer, from this machine',
    { issuer: https, transport },
    { path: 'http://127.0.0.1:3000' },
    404,
  ],
  ['development that sends its mail', { transport }, {}, 404],
  ['development with a metrics token', { metricsToken: token }, {}, 200],
]

const tables: [path: string, cases: readonly Case[]][] = [
  ['/metrics', [...near, ...onlyToken]],
  ['/dev/mail', [...near, ...mailbox]],
]

onEachEngine('what is for operators', (open) => {
  for (const [path, cases] of tables) {
    it(`${path} shows itself to nobody else`, async (context) => {
      for (const [what, options, asked, status] of cases) {
        await context.test(`${what}: ${status}`, async () => {
          const house = await openHouse(open, options)
          const { headers = {}, address = '127.0.0.1' } = asked
          const answer = await house.program().send('GET', `${asked.path ?? ''}${path}`, { headers, address })
          assert.equal(answer.status, status)
          const text = await answer.text()
          if (status === 200) assert.ok(text.length > 20)
          else assert.doesNotMatch(text, /counterfoil_|token=/)
        })
      }
    })
  }
})
