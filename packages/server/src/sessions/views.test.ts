import assert from 'node:assert/strict'
import { test } from 'node:test'
import { html, markupOf } from '../http/html.ts'
import { accountView, ago, type DeviceRow } from './views.ts'

const now = 1_790_000_000
const here: DeviceRow = {
  id: 'one',
  created_at: now - 7200,
  last_seen_at: now,
  device: 'Firefox on Linux',
  carrier: 'cookie',
  current: true,
}
const phone: DeviceRow = {
  ...here,
  id: 'two',
  device: 'curl',
  carrier: 'token',
  current: false,
  last_seen_at: now - 120,
}

function page(sessions: readonly DeviceRow[], notice: string | null = null): string {
  const account = { id: 'account', email: 'ana@example.com' }
  return markupOf(
    accountView({ account, sessions, now, notice, grants: html``, passwordForm: html`<p>password form</p>` }),
  )
}

test('every other device has a form that ends it by its id; this one has the form that signs out', () => {
  const markup = page([here, phone])
  assert.equal(markup.match(/action="\/account\/sessions\/end"/g)?.length, 1)
  assert.match(markup, /name="id" value="two"/)
  assert.doesNotMatch(markup, /value="one"/)
  assert.equal(markup.match(/action="\/sign-out"/g)?.length, 1)
})

test('whoever is signed in can always sign out, also where this device is not in the list', () => {
  assert.equal(page([phone]).match(/action="\/sign-out"/g)?.length, 1)
  assert.equal(page([]).match(/action="\/sign-out"/g)?.length, 1)
})

test('all others can be ended at once, where there are others', () => {
  assert.match(page([here, phone]), /action="\/account\/sessions\/end-others"/)
  assert.doesNotMatch(page([here]), /end-others/)
  assert.match(page([here]), /Only this device is signed in/)
})

test('this device is marked, and the carrier stands in plain words', () => {
  const markup = page([here, phone])
  assert.equal(markup.match(/This one/g)?.length, 1)
  assert.match(markup, /Browser, in use now/)
  assert.match(markup, /App, last seen <time datetime="[^"]+">2 minutes ago<\/time>/)
  assert.doesNotMatch(markup, /cookie|token/)
})

test('buttons that look alike are told apart by the name of the device', () => {
  assert.match(page([here, phone]), /Sign out<span class="unseen"> curl<\/span>/)
})

test('a device without a name has one on the page', () => {
  assert.match(page([{ ...here, device: ' ' }]), /Unknown device/)
})

test('a hostile device name, id or notice stays text', () => {
  const hostile = `"><script>alert(1)</script>`
  const markup = page([{ ...phone, device: hostile, id: hostile }], hostile)
  assert.doesNotMatch(markup, /<script>/)
  assert.equal(markup.match(/&quot;&gt;&lt;script&gt;/g)?.length, 4)
})

test('no device at all is an answer, not an empty list', () => {
  const markup = page([])
  assert.match(markup, /No device is signed in/)
  assert.doesNotMatch(markup, /<ul/)
})

test('the password form and the notice stand on the page', () => {
  const markup = page([here], 'The device is signed out.')
  assert.match(markup, /role="status"><p>The device is signed out\./)
  assert.match(markup, /password form/)
  assert.doesNotMatch(page([here]), /role="status"/)
})

test('time passed is told in the largest unit that fits', () => {
  const minute = 60
  const hour = 3600
  const day = 86_400
  for (const [passed, words] of [
    [-30, 'just now'],
    [0, 'just now'],
    [59, 'just now'],
    [minute, '1 minute ago'],
    [hour - 1, '59 minutes ago'],
    [hour, '1 hour ago'],
    [day - 1, '23 hours ago'],
    [day, '1 day ago'],
    [30 * day - 1, '29 days ago'],
    [30 * day, '22 Aug 2026'],
  ] as const) {
    const markup = markupOf(ago(now - passed, now))
    assert.equal(markup.replace(/<[^>]+>/g, ''), words)
    assert.match(markup, /^<time datetime="\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ">/)
  }
})
