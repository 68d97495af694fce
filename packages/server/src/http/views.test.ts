import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mailboxView } from '../mail/views.ts'
import { mailText } from '../mail/wording.ts'
import {
  deadLinkView,
  forgotSentView,
  forgotView,
  passwordChangeForm,
  resetView,
  signInView,
  signUpSentView,
  signUpView,
  verifyView,
} from '../passwords/views.ts'
import { accountView } from '../sessions/views.ts'
import { emptyForm, type Html, html, markupOf } from './html.ts'
import { homeView, problemView } from './views.ts'

const issuer = 'http://localhost:8080'
const version = '0.1.0'
const email = 'ana@example.com'
const minimum = 15
const form = { values: { email }, error: { message: 'Not like this.', field: null } }
const facts = { email, link: `${issuer}/verify?token=abc`, minutes: 15, serviceName: 'Counterfoil' }
const device = {
  id: 'one',
  created_at: 0,
  last_seen_at: 0,
  device: 'curl',
  carrier: 'token',
  current: false,
} as const

/** Every page there is, so that what holds for all of them is checked on all of them. */
const pages: Record<string, Html> = {
  home: homeView({ signedIn: false, development: true, issuer, version }),
  'home in production': homeView({ signedIn: true, development: false, issuer, version }),
  problem: problemView({ status: 404, message: 'There is nothing here.', signedIn: true }),
  'sign-up': signUpView({ form: emptyForm, signedIn: false, minimum }),
  'sign-up sent': signUpSentView({ email }),
  'sign-in': signInView({ form, next: '/account' }),
  verify: verifyView({ token: 'abc', email, form: emptyForm, askPassword: false, minimum }),
  'verify with password': verifyView({ token: 'abc', email, form, askPassword: true, minimum }),
  forgot: forgotView({ form: emptyForm }),
  'forgot sent': forgotSentView({ email }),
  reset: resetView({ token: 'abc', form: emptyForm, minimum }),
  'dead link': deadLinkView({ what: 'verify' }),
  account: accountView({
    account: { id: 'account', email },
    sessions: [device],
    now: 0,
    notice: 'Done.',
    grants: html``,
    passwordForm: passwordChangeForm({ form, minimum, email }),
  }),
  mailbox: mailboxView({ mails: [{ to: email, at: 0, ...mailText('verify', facts) }] }),
}

for (const [name, view] of Object.entries(pages)) {
  const page = markupOf(view)

  test(`the page "${name}" holds nothing that its content security policy would block`, () => {
    assert.doesNotMatch(page, /\sstyle=|<style|\son[a-z]+="|javascript:|<base|<iframe|<object/i)
    for (const script of page.match(/<script[^>]*>[\s\S]*?<\/script>/g) ?? []) {
      assert.match(script, /^<script src="\/assets\/[^"]+" defer><\/script>$/)
    }
    for (const [, loaded] of page.matchAll(/(?:src|<link[^>]* href)="([^"]*)"/g)) {
      assert.match(loaded ?? '', /^\/assets\//)
    }
  })

  test(`the page "${name}" has one heading of the first level, no id twice, and a label for every input`, () => {
    assert.equal(page.match(/<h1[ >]/g)?.length, 1)
    const ids = [...page.matchAll(/ id="([^"]*)"/g)].map((found) => found[1])
    assert.equal(new Set(ids).size, ids.length)
    for (const input of page.match(/<input (?!type="hidden")[^>]*>/g) ?? []) {
      const id = input.match(/ id="([^"]*)"/)?.[1]
      assert.ok(page.includes(`<label for="${id}">`), input)
      assert.match(input, / autocomplete="(username|current-password|new-password)"/)
    }
    for (const [, described] of page.matchAll(/aria-(?:describedby|labelledby)="([^"]*)"/g)) {
      for (const id of described?.split(' ') ?? []) assert.ok(ids.includes(id), id)
    }
  })

  test(`every form on the page "${name}" posts to this server`, () => {
    for (const opened of page.match(/<form[^>]*>/g) ?? []) {
      assert.match(opened, /^<form method="post" action="\/[a-z][^"]*"/)
    }
  })
}

test('in development the front page leads through a tour with commands for this very server', () => {
  const page = markupOf(homeView({ signedIn: false, development: true, issuer, version }))
  const commands = page.replaceAll('&quot;', '"').replaceAll('&#39;', "'")
  assert.equal(page.match(/<li>/g)?.length, 5)
  assert.match(page, /href="\/dev\/mail"/)
  assert.ok(commands.includes('"carrier":"token"}'))
  assert.ok(commands.includes(`curl -s ${issuer}/auth/session -H "Authorization: Bearer $TOKEN"`))
  assert.ok(commands.includes(`curl -s ${issuer}/auth/sign-in -c jar.txt \\\n  -H 'Origin: ${issuer}'`))
  assert.ok(commands.includes(`curl -s ${issuer}/auth/session -b jar.txt`))
})

test('in production the front page tells visitors neither the version nor the mailbox', () => {
  const page = markupOf(
    homeView({ signedIn: false, development: false, issuer: 'https://bank.example', version }),
  )
  assert.doesNotMatch(page, /0\.1\.0|\/dev\/mail|curl/)
  assert.match(page, /href="\/sign-up"/)
  assert.match(page, /href="\/sign-in"/)
})

test('every problem has a heading, the refusal and what to do next', () => {
  for (const status of [400, 401, 403, 404, 405, 410, 413, 429, 500, 502, 503]) {
    const page = markupOf(problemView({ status, message: '<b>refused</b>', signedIn: false }))
    assert.match(page, /<h1>[A-Z][^<]+<\/h1>\s*<p>&lt;b&gt;refused&lt;\/b&gt;<\/p>\s*<p>[A-Z][^<]+\.<\/p>/)
    assert.ok(page.includes(`>${status}<`))
  }
})

test('a hint of the caller takes the place of the general one', () => {
  const page = markupOf(problemView({ status: 404, message: 'No.', hint: 'Ask Ana.', signedIn: false }))
  assert.match(page, /<p>Ask Ana\.<\/p>/)
  assert.doesNotMatch(page, /typing error/)
})
