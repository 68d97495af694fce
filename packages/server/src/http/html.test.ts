import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  emptyForm,
  errorSummary,
  type FormState,
  field,
  fieldState,
  formTitle,
  html,
  layout,
  markupOf,
  notice,
  time,
} from './html.ts'

const hostile = `"><script>alert('x')</script>`
const wrongEmail: FormState = {
  values: { email: hostile },
  error: { message: 'This is not an address.', field: 'email' },
}
const email = { name: 'email', label: 'Email address', type: 'email', autocomplete: 'username' } as const

test('a page says its language, its title first, and has one main landmark and a way to skip to it', () => {
  const page = markupOf(layout({ title: 'Sign in', signedIn: false, body: html`<h1>x</h1>` }))
  assert.match(page, /^<!doctype html>\s*<html lang="en">/)
  assert.match(page, /<title>Sign in · Counterfoil<\/title>/)
  assert.equal(page.match(/<main /g)?.length, 1)
  assert.match(page, /<a class="skip" href="#content">/)
  assert.match(page, /<main id="content"/)
})

test('the navigation offers the account to those signed in, and signing in to the others', () => {
  const inside = markupOf(layout({ title: 'x', signedIn: true, body: html`` }))
  const outside = markupOf(layout({ title: 'x', signedIn: false, body: html`` }))
  assert.match(inside, /href="\/account"/)
  assert.doesNotMatch(inside, /href="\/sign-in"/)
  assert.match(outside, /href="\/sign-in"/)
  assert.doesNotMatch(outside, /href="\/account"/)
})

test('a page with a token in its address is marked, and no page softens the Referrer-Policy of the answer', () => {
  const marked = markupOf(layout({ title: 'x', signedIn: false, tokenInAddress: true, body: html`` }))
  const plain = markupOf(layout({ title: 'x', signedIn: false, body: html`` }))
  assert.match(marked, /<main [^>]*data-token-in-address>/)
  assert.doesNotMatch(plain, /data-token-in-address/)
  for (const page of [marked, plain]) assert.doesNotMatch(page, /name="referrer"/)
})

test('a title cannot break out of its element', () => {
  const page = markupOf(layout({ title: `</title>${hostile}`, signedIn: false, body: html`` }))
  assert.doesNotMatch(page, /<script>/)
})

test('a value typed before comes back escaped', () => {
  const markup = markupOf(field({ ...email, ...fieldState(wrongEmail, 'email') }))
  assert.match(markup, /value="&quot;&gt;&lt;script&gt;/)
  assert.doesNotMatch(markup, /<script>/)
})

test('the error and the hint of a field are tied to it, error first, and the field has the focus', () => {
  const markup = markupOf(field({ ...email, hint: 'A hint.', ...fieldState(wrongEmail, 'email') }))
  assert.match(markup, /<label for="field-email">/)
  assert.match(markup, /aria-describedby="field-email-error field-email-hint"/)
  assert.match(markup, /id="field-email-error">This is not an address\./)
  assert.match(markup, /id="field-email-hint">A hint\./)
  assert.match(markup, /aria-invalid="true"/)
  assert.match(markup, / autofocus>/)
})

test('the error of one field leaves the others alone', () => {
  const markup = markupOf(
    field({ ...email, name: 'password', type: 'password', ...fieldState(wrongEmail, 'password') }),
  )
  assert.doesNotMatch(markup, /aria-invalid|aria-describedby|autofocus/)
})

test('the error of a field is linked from the summary; the error of the form takes the focus itself', () => {
  const one = markupOf(errorSummary(wrongEmail))
  assert.match(one, /role="alert">\s*<p><a href="#field-email">This is not an address\./)
  assert.doesNotMatch(one, /autofocus/)
  const whole = markupOf(errorSummary({ values: {}, error: { message: hostile, field: null } }))
  assert.match(whole, /role="alert" tabindex="-1" autofocus>/)
  assert.doesNotMatch(whole, /<script>/)
  assert.equal(markupOf(errorSummary(emptyForm)), '')
})

test('the title says first that there is an error', () => {
  assert.equal(formTitle('Sign in', wrongEmail), 'Error: Sign in')
  assert.equal(formTitle('Sign in', emptyForm), 'Sign in')
})

test('a readonly field is never sent, any other is', () => {
  const shown = markupOf(field({ ...email, value: 'a@b.example', readonly: true }))
  assert.match(shown, /readonly/)
  assert.doesNotMatch(shown, / name=/)
  assert.match(markupOf(field(email)), / name="email" required/)
})

test('an error interrupts, good news waits for its turn', () => {
  assert.match(markupOf(notice({ kind: 'error', text: 'No.' })), /role="alert"/)
  assert.match(markupOf(notice({ kind: 'done', text: hostile })), /role="status"><p>&quot;&gt;&lt;script&gt;/)
})

test('an instant stands in whole seconds for machines and in words for people', () => {
  assert.equal(markupOf(time(0, 'long ago')), '<time datetime="1970-01-01T00:00:00Z">long ago</time>')
})

test('markup that is not ready yet is refused rather than printed as an object', () => {
  assert.throws(() => markupOf(html`${Promise.resolve('x')}`), /waits for a promise/)
})
