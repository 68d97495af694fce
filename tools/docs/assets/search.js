// Search without a server: the index is a script beside this one, fetched when somebody means to search.
const here = document.currentScript
const home = here.dataset.home
const form = document.querySelector('form[role=search]')
const input = form.querySelector('input')
const box = document.querySelector('.results')
const list = box.querySelector('ol')
const status = box.querySelector('p')
const most = 12

let index = null
function load() {
  index ??= new Promise((resolve, reject) => {
    const script = document.createElement('script')
    script.src = new URL('search-index.js', here.src).href
    script.onload = () => resolve(globalThis.counterfoilIndex)
    script.onerror = reject
    document.head.append(script)
  })
  return index
}

const wordsOf = (text) =>
  text
    .toLowerCase()
    .split(/[^\p{L}\p{N}_./-]+/u)
    .filter((word) => word !== '')

// All words have to be there. One in the title counts most, then one in the heading; whole words before parts of them.
function score([, title, heading, text], words) {
  let sum = 0
  for (const word of words) {
    const start = new RegExp(`(?<![\\p{L}\\p{N}])${word.replace(/[./]/g, '\\$&')}`, 'gu')
    const inTitle = start.test(title.toLowerCase())
    const inHeading = heading.toLowerCase().search(start) !== -1
    const count = (text.toLowerCase().match(start) ?? []).length
    if (!inTitle && !inHeading && count === 0) return 0
    sum += (inHeading ? 8 : 0) + (inTitle ? (heading === '' ? 10 : 3) : 0) + Math.min(count, 4)
  }
  return sum
}

function excerpt(text, words) {
  const at = Math.max(0, text.toLowerCase().indexOf(words[0]) - 50)
  const from = at === 0 ? 0 : text.indexOf(' ', at) + 1
  const rest = text.slice(from)
  const shown = rest.length > 150 ? `${rest.slice(0, rest.lastIndexOf(' ', 150))} …` : rest
  return from === 0 ? shown : `… ${shown}`
}

function entry([url, title, heading, text], words) {
  const item = document.createElement('li')
  const link = document.createElement('a')
  link.href = home + url
  const name = document.createElement('strong')
  name.textContent = heading === '' ? title : `${title}: ${heading}`
  const about = document.createElement('span')
  about.textContent = excerpt(text, words)
  link.append(name, about)
  item.append(link)
  return item
}

async function search() {
  const asked = input.value
  const words = wordsOf(asked)
  if (words.length === 0) return close()
  const entries = await load()
  if (input.value !== asked) return
  const found = entries
    .map((one) => [score(one, words), one])
    .filter(([points]) => points > 0)
    .sort(([a], [b]) => b - a)
  list.replaceChildren(...found.slice(0, most).map(([, one]) => entry(one, words)))
  status.textContent = found.length === 0 ? `Nothing has “${asked}” in it.` : `${found.length} found`
  box.hidden = false
}

function close() {
  box.hidden = true
  list.replaceChildren()
  status.textContent = ''
}

form.hidden = false
input.addEventListener('focus', () => load())
input.addEventListener('input', () => search())
form.addEventListener('submit', (event) => {
  event.preventDefault()
  list.querySelector('a')?.click()
})
document.querySelector('header').addEventListener('keydown', (event) => {
  if (event.key !== 'Escape') return
  close()
  input.focus()
})
document.addEventListener('click', (event) => {
  if (!event.target.closest('header') || event.target.closest('.results a')) close()
})
