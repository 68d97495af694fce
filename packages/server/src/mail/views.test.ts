import assert from 'node:assert/strict'
import { test } from 'node:test'
import { markupOf } from '../http/html.ts'
import { mailboxView } from './views.ts'
import { type MailKind, mailText } from './wording.ts'

const link = 'https://bank.example/verify?token=abc_DEF-123'
const facts = { email: 'ana@example.com', link, minutes: 15, serviceName: 'The Bank' }
const kinds: MailKind[] = ['verify', 'account_exists', 'reset', 'password_changed']

for (const kind of kinds) {
  test(`the mail "${kind}" says who, where and what to press, in text and in HTML`, () => {
    const mail = mailText(kind, facts)
    assert.ok(mail.subject.includes('The Bank'))
    assert.ok(!mail.subject.includes('\n'))
    for (const form of [mail.text, mail.html]) {
      assert.ok(form.includes('ana@example.com'))
      assert.ok(form.includes('The Bank'))
      assert.ok(form.includes(link))
    }
    assert.ok(mail.html.includes(`href="${link}"`))
    assert.ok(mail.html.includes(`>${link}</p>`), 'the link also stands as text')
  })

  test(`the mail "${kind}" carries nothing hostile into its HTML`, () => {
    const hostile = `<script>alert("x")</script>`
    const mail = mailText(kind, { ...facts, email: hostile, serviceName: hostile })
    assert.doesNotMatch(mail.html, /<script/)
    assert.match(mail.html, /&lt;script&gt;/)
  })

  test(`the mail "${kind}" loads nothing: nobody learns from it that it was opened`, () => {
    assert.doesNotMatch(mailText(kind, facts).html, /<img|<link|url\(|src=/)
  })
}

test('a mail with a token says how long it lives; the others do not', () => {
  for (const kind of ['verify', 'reset'] as const) {
    assert.match(mailText(kind, facts).text, /for 15 minutes/)
    assert.match(mailText(kind, { ...facts, minutes: 1 }).text, /for one minute/)
  }
  for (const kind of ['account_exists', 'password_changed'] as const) {
    assert.doesNotMatch(mailText(kind, facts).text, /minute/)
  }
})

test('the mail about an account that exists leads to signing in and to a new password, on the same server', () => {
  const mail = mailText('account_exists', { ...facts, link: 'https://bank.example/sign-in' })
  assert.match(mail.text, /^https:\/\/bank\.example\/sign-in$/m)
  assert.match(mail.text, /^https:\/\/bank\.example\/forgot$/m)
})

const row = { to: 'ana@example.com', at: 1_790_000_000, ...mailText('verify', facts) }

test('the mailbox shows the text of a mail with its link once as a button and once in place', () => {
  const page = markupOf(mailboxView({ mails: [row] }))
  assert.equal(page.split(`href="${link}"`).length - 1, 2)
  assert.match(page, />Open \/verify</)
  assert.match(page, /<time datetime="2026-09-21T/)
})

test('the mailbox links only web addresses, and leaves the sentence around them alone', () => {
  const text = 'See https://a.example/x, (https://b.example/y). javascript:alert(1) <b>bold</b>'
  const page = markupOf(mailboxView({ mails: [{ ...row, text }] }))
  assert.match(page, /href="https:\/\/a\.example\/x">/)
  assert.match(page, /href="https:\/\/b\.example\/y">/)
  assert.doesNotMatch(page, /href="javascript/)
  assert.match(page, /&lt;b&gt;bold/)
})

test('the mailbox never runs what a mail holds', () => {
  const hostile = `"><script>alert(1)</script>`
  const mails = [
    { to: hostile, subject: hostile, text: `https://a.example/${hostile}`, html: hostile, at: 0 },
  ]
  assert.doesNotMatch(markupOf(mailboxView({ mails })), /<script>/)
})

test('an empty mailbox says how to fill it', () => {
  const page = markupOf(mailboxView({ mails: [] }))
  assert.match(page, /Empty so far/)
  assert.match(page, /href="\/sign-up"/)
})
