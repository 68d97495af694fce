// The page works without this file, by cookie. With it, it works by either carrier, and shows what happens as it happens.
import { createClient, Refusal } from '/assets/client/index.ts'

/** One client a carrier. With a token no cookie goes along, so there is nothing to forge; and the token is bound to a key. */
const clients = {
  cookie: createClient({ carrier: 'cookie' }),
  token: createClient({ carrier: 'token' }),
}
/** Which one this window uses. That is no secret, and all that is stored here. */
let carrier = sessionStorage.getItem('carrier') === 'token' ? 'token' : 'cookie'
let socket = null

const counter = document.getElementById('counter')
const exchanges = document.getElementById('exchanges')
const said = document.getElementById('said')
/** To look again is no sign of life: a forgotten window keeps no session alive. */
const passive = { headers: { 'counterfoil-passive': '?1' } }

const call = (path, init) => clients[carrier].fetch(path, init)

function goOnBy(next) {
  carrier = next
  sessionStorage.setItem('carrier', next)
}

/** The part of the page that is about who is here by this carrier. */
async function counterBy(which) {
  const answer = await clients[which].fetch('/counter', passive)
  // A refused token is told as a problem; the page for nobody is asked for as nobody.
  return answer.status === 401 && !isPage(answer)
    ? fetch('/counter', { ...passive, credentials: 'omit' })
    : answer
}

/** The same session, carried the other way from here on, for its password: script that got in here would not know it. */
async function move(next, password) {
  await clients.token.prove('/auth/carrier', { carrier: next, password })
  if (next === 'cookie') await clients.cookie.session({ fresh: true })
}

/** Draws the part of the page that is about who is here. */
async function show() {
  const answer = await counterBy(carrier)
  if (!isPage(answer)) return
  const markup = await answer.text()
  // Now, and not when it was asked: another look may have found the same meanwhile.
  const before = document.getElementById('carrier')?.dataset.carrier
  replaceCounter(markup)
  const isOver = before === carrier && answer.status === 401
  if (isOver && !leaves) say('The session of this window is over. The panel shows how soon it was refused.')
  leaves = false
  if (answer.ok) await showDevices()
}

const isPage = (answer) => answer.headers.get('content-type')?.startsWith('text/html') ?? false
/** This window has signed out by itself: its end is no news. */
let leaves = false
/** While this window acts, news from the panel is mostly its own. */
let acts = false

/** What is being typed stays where it is, and so does the focus. */
function replaceCounter(markup) {
  const typed = [...counter.querySelectorAll('input[id]')].filter(
    (input) => input.value !== input.defaultValue,
  )
  const focused = document.activeElement?.id
  counter.innerHTML = markup
  for (const { id, value } of typed) {
    const input = document.getElementById(id)
    if (input !== null) input.value = value
  }
  if (focused) document.getElementById(focused)?.focus()
  prepare()
}

/** The devices are Counterfoil's to know. */
async function showDevices() {
  const answer = await call('/auth/sessions', passive)
  const list = document.getElementById('devices')
  if (!answer.ok || list === null) return
  const { sessions } = await answer.json()
  list.replaceChildren(...sessions.map(deviceLine))
}

function deviceLine({ id, device, carrier, created_at, current }) {
  const line = document.getElementById('device').content.cloneNode(true)
  line.querySelector('.name').textContent = device || 'A program'
  const since = new Date(created_at * 1000).toLocaleTimeString()
  line.querySelector('small').textContent = `by ${carrier}, since ${since}`
  line.querySelector(current ? 'form' : '.here').remove()
  if (!current) line.querySelector('input').value = id
  return line
}

function say(text) {
  said.textContent = text
  said.hidden = text === ''
}

/** What works only with script is offered only with script. */
function prepare() {
  for (const element of counter.querySelectorAll('.scripted')) element.hidden = false
  const isHereByCookie = document.getElementById('carrier')?.dataset.carrier === 'cookie'
  if (!isHereByCookie) {
    socket?.close()
    socket = null
  } else if (socket === null) {
    socket = new WebSocket('/live')
    socket.addEventListener('message', ({ data }) => {
      const balance = document.getElementById('balance')
      if (balance !== null) balance.textContent = data
    })
  }
}

function fail(form, { code, title, message }) {
  const problem = form.querySelector('.problem')
  problem.textContent = wordsFor.get(code) ?? title ?? message
  problem.hidden = false
  return failed
}

/** Nothing has changed, and the form stays as it is. */
const failed = Symbol('failed')

const wordsFor = new Map([
  ['payee_unknown', 'Nobody at this bank has that address. Nothing was paid.'],
  ['not_covered', 'Your balance does not cover that. Nothing was paid.'],
  ['amount_invalid', 'An amount looks like 25 or 25.50. Nothing was paid.'],
])

const actions = {
  async 'sign-in'(form, fields, button) {
    const next = button?.value ?? 'cookie'
    try {
      await clients[next].signIn({ email: fields.get('email'), password: fields.get('password') })
    } catch (fault) {
      if (fault instanceof Refusal) return fail(form, fault)
      throw fault
    }
    goOnBy(next)
    form.reset()
    say(`This window is signed in by ${next}.`)
  },
  /** Somebody may be here by the other carrier already; otherwise the session of this window moves. */
  async switch(form, fields) {
    const { to: next } = form.dataset
    const answer = await counterBy(next)
    if (answer.ok) {
      goOnBy(next)
      return say(`This window goes on by ${next}.`)
    }
    try {
      await move(next, fields.get('password'))
    } catch (fault) {
      if (fault instanceof Refusal) return fail(form, fault)
      throw fault
    }
    goOnBy(next)
    return say(`The same session, by ${next} from here on. What carried it before is worth nothing any more.`)
  },
  async pay(form, fields) {
    const body = JSON.stringify(Object.fromEntries(fields))
    const headers = { 'content-type': 'application/json' }
    const answer = await call('/payments', { method: 'POST', headers, body })
    if (!answer.ok) return fail(form, await answer.json())
    say(`Paid ${fields.get('amount')} euros to ${fields.get('to')}.`)
    form.reset()
  },
  async 'sign-out'() {
    leaves = true
    await clients[carrier].signOut()
    say('You are signed out.')
  },
  async end(_form, fields) {
    await call(`/auth/sessions/${fields.get('id')}`, { method: 'DELETE' })
    say('That session is over.')
  },
}

counter.addEventListener('submit', (event) => {
  const form = event.target
  const action = actions[form.id] ?? actions[form.className]
  if (action === undefined) return
  event.preventDefault()
  say('')
  acts = true
  const done = action(form, new FormData(form), event.submitter).catch((fault) => {
    say('That did not work. Try it again.')
    console.error(fault)
  })
  void done.then((outcome) => {
    acts = false
    if (outcome !== failed) void show()
  })
})

const stream = new EventSource('/panel')
stream.addEventListener('exchange', ({ data }) => {
  for (const open of exchanges.querySelectorAll('details[open]')) open.open = false
  exchanges.insertAdjacentHTML('afterbegin', data)
  while (exchanges.children.length > 24) exchanges.lastElementChild.remove()
})
stream.addEventListener('changed', () => {
  if (!acts && document.getElementById('carrier') !== null) void show()
})

prepare()
// The server drew the page for whoever the cookie names; this window may be somebody by token.
if (carrier === 'token') void show()
else if (document.getElementById('carrier') !== null) void showDevices()
