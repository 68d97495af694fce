import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePolicy, policySchema } from './policy.ts'

const day = 24 * 3600

test('without a policy every setting has its documented default', () => {
  for (const given of [undefined, null, {}]) {
    const policy = parsePolicy(given)
    assert.equal(policy.accessTokenSeconds, 300)
    assert.equal(policy.accessTokenAlgorithm, 'ES256')
    assert.equal(policy.sessionIdleSeconds, 14 * day)
    assert.equal(policy.sessionAbsoluteSeconds, 30 * day)
    assert.equal(policy.refreshRepeatSeconds, 30)
    assert.equal(policy.verifiedEmail, 'required')
    assert.equal(policy.passwordMinimum, 15)
    assert.equal(policy.mailLinkSeconds, 900)
    assert.equal(policy.attemptsPerAccount, 10)
    assert.equal(policy.attemptIntervalSeconds, 60)
    assert.equal(policy.attemptsPerNetwork, 100)
    assert.equal(policy.signUpsPerNetwork, 60)
    assert.equal(policy.trustedHops, 0)
    assert.deepEqual(policy.origins, [])
    assert.deepEqual(policy.audiences, [])
    assert.deepEqual(policy.statusListAudiences, [])
    assert.deepEqual(policy.exchanges, [])
  }
})

test('what is set is kept, the rest is the default, and nothing can be changed afterwards', () => {
  const policy = parsePolicy({ passwordMinimum: 20, origins: ['https://app.example'] })
  assert.equal(policy.passwordMinimum, 20)
  assert.deepEqual(policy.origins, ['https://app.example'])
  assert.equal(policy.attemptsPerAccount, 10)
  assert.ok(Object.isFrozen(policy))
})

for (const [setting, lowest, highest] of [
  ['accessTokenSeconds', 60, 300],
  ['sessionIdleSeconds', 300, 90 * day],
  ['sessionAbsoluteSeconds', 600, 400 * day],
  ['refreshRepeatSeconds', 0, 120],
  ['refreshRepeats', 1, 20],
  ['passwordMinimum', 8, 128],
  ['mailLinkSeconds', 60, 3600],
  ['attemptsPerAccount', 1, 100],
  ['attemptIntervalSeconds', 1, 3600],
  ['attemptsPerNetwork', 1, 100_000],
  ['signUpsPerNetwork', 1, 100_000],
  ['mailsPerAddress', 1, 100],
  ['hashingQueue', 1, 10_000],
  ['trustedHops', 0, 10],
] as const) {
  test(`${setting} is a whole number from ${lowest} to ${highest}`, () => {
    for (const value of [lowest, highest]) assert.equal(parsePolicy({ [setting]: value })[setting], value)
    for (const value of [
      lowest - 1,
      highest + 1,
      lowest + 0.5,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      `${lowest}`,
      null,
      true,
    ])
      assert.throws(() => parsePolicy({ [setting]: value }), new RegExp(setting))
  })
}

for (const origin of [
  'https://app.example/',
  'https://app.example/path',
  'https://*.example',
  '*',
  'null',
  'app.example',
  'https://app.example:443',
  'HTTPS://app.example',
  'https://user@app.example',
  'javascript:alert(1)',
  'file:///etc',
  'ftp://app.example',
  '',
]) {
  test(`"${origin}" is no origin, so a policy with it is refused`, () => {
    assert.throws(() => parsePolicy({ origins: [origin] }), /origins/)
  })
}

test('an audience is an absolute URI in its normal spelling, with or without a path', () => {
  const audiences = [
    'https://api.example',
    'https://api.example/v1',
    'http://api.localhost:8080',
    'https://a.example/',
    'urn:example:api',
  ]
  assert.deepEqual(parsePolicy({ audiences }).audiences, audiences)
})

for (const audience of [
  'https://api.example#part',
  'https://api.example/v1#',
  'https://API.example',
  'https://api.example:443',
  'https://api.example/a/../b',
  'https://api.example/a b',
  'https://*.example',
  'api.example',
  '/v1',
  'https:api.example',
  'urn:',
  '',
  7,
]) {
  test(`"${audience}" is no audience, so a policy with it is refused`, () => {
    assert.throws(() => parsePolicy({ audiences: [audience] }), /audiences/)
  })
}

test('an unknown setting refuses the policy and is named, also where it is only misspelled', () => {
  for (const name of ['accessTokenSecond', 'verifiedemail', 'cors', '__proto__x'])
    assert.throws(() => parsePolicy({ [name]: 1 }), new RegExp(name))
  assert.throws(() => parsePolicy(JSON.parse('{"__proto__": {"passwordMinimum": 8}}')), /policy/)
})

test('what is no object is no policy', () => {
  for (const given of ['', 'policy', 7, [], true]) assert.throws(() => parsePolicy(given), /policy/)
})

test('everything that is wrong is told at once', () => {
  const wrong = { passwordMinimum: 1, trustedHops: -1, verifiedEmail: 'never' }
  assert.throws(
    () => parsePolicy(wrong),
    ({ message }: Error) => Object.keys(wrong).every((name) => message.includes(name)),
  )
})

test('no setting weakens a promise: tokens never outlive five minutes, links never an hour', () => {
  assert.equal(policySchema.safeParse({ accessTokenSeconds: 301 }).success, false)
  assert.equal(policySchema.safeParse({ mailLinkSeconds: 3601 }).success, false)
})

test('an audience with a status list is one of the audiences, in the same spelling', () => {
  const audiences = ['https://api.example', 'https://other.example']
  const statusListAudiences = ['https://api.example']
  assert.deepEqual(parsePolicy({ audiences, statusListAudiences }).statusListAudiences, statusListAudiences)
  for (const unknown of ['https://api.example/', 'https://third.example'])
    assert.throws(() => parsePolicy({ audiences, statusListAudiences: [unknown] }), /statusListAudiences/)
  assert.throws(() => parsePolicy({ statusListAudiences }), /statusListAudiences/)
})

const [one, two, partner] = ['https://one.example', 'https://two.example', 'https://partner.example']
const exchangesRefused: [name: string, rule: object, says: RegExp][] = [
  ['from an audience that is none', { from: 'https://three.example' }, /does not name/],
  ['to an audience that is none', { to: [two, 'https://three.example'] }, /does not name/],
  ['to nobody', { to: [] }, /exchanges\.0\.to/],
  ['to itself', { to: [one] }, /different audiences/],
  ['to one that reads a status list', { to: [partner] }, /follow the feed/],
  ['from one that reads a status list', { from: partner }, /follow the feed/],
  ['without a client', { client: '' }, /exchanges\.0\.client/],
  ['with something more', { scope: 'read' }, /exchanges\.0/],
]
for (const [name, rule, says] of exchangesRefused) {
  test(`an exchange ${name} does not start`, () => {
    const given = { audiences: [one, two, partner], statusListAudiences: [partner] }
    const good = { client: 'orders', from: one, to: [two] }
    assert.deepEqual(parsePolicy({ ...given, exchanges: [good] }).exchanges, [good])
    assert.throws(() => parsePolicy({ ...given, exchanges: [{ ...good, ...rule }] }), says)
  })
}
