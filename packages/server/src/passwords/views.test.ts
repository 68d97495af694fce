import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyForm, type FormState, type Html, markupOf } from '../http/html.ts'
import {
  deadLinkView,
  forgotSentView,
  forgotView,
  passwordChangeForm,
  resetView,
  resetWithoutTokenView,
  signInView,
  signUpSentView,
  signUpView,
  verifyView,
} from './views.ts'

const hostile = `"><script>alert(1)</script>`
const secret = 'correct horse battery staple'
const minimum = 15
const email = 'ana@example.com'
const filled: FormState = {
  values: { email: hostile, password: secret, current: secret, new: secret },
  error: { message: hostile, field: null },
}

function forms(form: FormState): Record<string, Html> {
  return {
    'sign-up': signUpView({ form, signedIn: false, minimum }),
    'sign-in': signInView({ form, next: '/account' }),
    verify: verifyView({ token: 'tok', email, form, askPassword: true, minimum }),
    forgot: forgotView({ form }),
    reset: resetView({ token: 'tok', form, minimum }),
    change: passwordChangeForm({ form, minimum, email }),
  }
}

/** The fields that are sent, as `name autocomplete`; hidden ones as `name value`. */
function sent(markup: Html): string[] {
  const inputs = markupOf(markup).match(/<input [^>]*>/g) ?? []
  const of = (input: string, name: string) => input.match(new RegExp(`${name}="([^"]*)"`))?.[1] ?? ''
  const named = inputs.filter((input) => / name="/.test(input))
  return named.map((input) => `${of(input, ' name')} ${of(input, 'autocomplete') || of(input, 'value')}`)
}

const contract: { page: string; action: string; fields: string[] }[] = [
  { page: 'sign-up', action: '/sign-up', fields: ['email username', 'password new-password'] },
  {
    page: 'sign-in',
    action: '/sign-in',
    fields: ['next /account', 'email username', 'password current-password'],
  },
  { page: 'verify', action: '/verify', fields: ['token tok', 'password new-password'] },
  { page: 'forgot', action: '/forgot', fields: ['email username'] },
  { page: 'reset', action: '/reset', fields: ['token tok', 'password new-password'] },
  {
    page: 'change',
    action: '/account/password',
    fields: ['current current-password', 'new new-password'],
  },
]

for (const { page, action, fields } of contract) {
  test(`the form "${page}" posts to ${action} and sends what password managers know`, () => {
    const markup = forms(emptyForm)[page] ?? assert.fail()
    const opened = markupOf(markup).match(/<form [^>]*>/g) ?? []
    assert.deepEqual(opened, [`<form method="post" action="${action}" novalidate>`])
    assert.deepEqual(sent(markup), fields)
  })
}

test('no password ever goes back into a page, and nothing typed becomes markup', () => {
  for (const [name, form] of Object.entries(forms(filled))) {
    const markup = markupOf(form)
    assert.ok(!markup.includes(secret), name)
    assert.doesNotMatch(markup, /<script>/, name)
    assert.match(markup, /role="alert" tabindex="-1" autofocus>/, name)
  }
})

test('the error of a password is tied to its field and says so in the title', () => {
  const form: FormState = { values: { email }, error: { message: 'Too short.', field: 'password' } }
  for (const page of ['sign-up', 'sign-in', 'verify', 'reset']) {
    const markup = markupOf(forms(form)[page] ?? assert.fail())
    const input = markup.match(/<input id="field-password"[^>]*>/)?.[0] ?? ''
    assert.match(input, /aria-describedby="field-password-error/, page)
    assert.match(input, /aria-invalid="true" autofocus/, page)
    assert.match(markup, /id="field-password-error">Too short\./, page)
    assert.match(markup, /<title>Error: /, page)
    assert.equal(markup.match(/ autofocus/g)?.length, 1, page)
  }
})

test('the length of a password is said in words and never enforced by the page', () => {
  const markup = markupOf(signUpView({ form: emptyForm, signedIn: false, minimum: 21 }))
  assert.match(markup, /At least 21 characters/)
  assert.doesNotMatch(markup, /minlength|maxlength|pattern=/)
})

test('password managers see which account a new password belongs to, and the server is not sent it', () => {
  for (const page of ['verify', 'change']) {
    const markup = markupOf(forms(emptyForm)[page] ?? assert.fail())
    assert.match(markup, /autocomplete="username" readonly value="ana@example\.com"/, page)
  }
})

test('a link is confirmed by pressing a button, which names the address in full', () => {
  const markup = markupOf(verifyView({ token: 'tok', email, form: emptyForm, askPassword: false, minimum }))
  assert.match(markup, /<strong class="address">ana@example\.com<\/strong>/)
  assert.match(markup, /<button class="primary">Confirm this address<\/button>/)
  assert.doesNotMatch(markup, /type="password"|http-equiv/)
})

test('pages whose address carries a token are marked, and only those', () => {
  const page = { email, form: emptyForm, askPassword: false, minimum }
  const withToken = [
    verifyView({ ...page, token: 'tok' }),
    resetView({ token: 'tok', form: emptyForm, minimum }),
  ]
  const without = [verifyView({ ...page, token: null }), signInView({ form: emptyForm, next: null })]
  for (const markup of withToken) assert.match(markupOf(markup), /data-token-in-address/)
  for (const markup of without) assert.doesNotMatch(markupOf(markup), /data-token-in-address/)
})

test('a page opened without its token says where to find it, and offers no form', () => {
  const pages = [
    verifyView({ token: null, email: null, form: emptyForm, askPassword: true, minimum }),
    resetWithoutTokenView(),
  ]
  for (const markup of pages.map(markupOf)) {
    assert.match(markup, /open the link again/)
    assert.doesNotMatch(markup, /<form/)
  }
})

test('the next page is sent along escaped, and only if there is one', () => {
  assert.match(
    markupOf(signInView({ form: emptyForm, next: hostile })),
    /name="next" value="&quot;&gt;&lt;script/,
  )
  assert.doesNotMatch(markupOf(signInView({ form: emptyForm, next: null })), /name="next"/)
})

test('after a mail was sent the page shows the address escaped and a way to correct it', () => {
  for (const [markup, again] of [
    [signUpSentView({ email: hostile }), '/sign-up'],
    [forgotSentView({ email: hostile }), '/forgot'],
  ] as const) {
    assert.doesNotMatch(markupOf(markup), /<script>/)
    assert.match(markupOf(markup), /&lt;script&gt;/)
    assert.ok(markupOf(markup).includes(`href="${again}">Try another address`))
  }
})

test('a dead link leads to where a new one is made', () => {
  assert.match(markupOf(deadLinkView({ what: 'verify' })), /class="primary" href="\/sign-up"/)
  assert.match(markupOf(deadLinkView({ what: 'reset' })), /class="primary" href="\/forgot"/)
})
