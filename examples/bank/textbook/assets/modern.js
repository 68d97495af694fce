// As in many a tutorial: the token lies where every script of the page can read it.
const at = (id) => document.getElementById(id)
const token = () => localStorage.getItem('token')

async function show() {
  at('sign-in').hidden = token() !== null
  at('account').hidden = token() === null
  if (token() === null) return
  const answer = await fetch('/balance', { headers: { authorization: `Bearer ${token()}` } })
  if (!answer.ok) {
    localStorage.removeItem('token')
    await show()
    return
  }
  const { name, balance, payments } = await answer.json()
  at('name').textContent = name
  at('balance').textContent = `€${balance.toFixed(2)}`
  const rows = payments.map(
    ({ other, cents, note }) =>
      `<tr><td>${other}<br><small>${note}</small></td><td class="sum">€${cents / 100}</td></tr>`,
  )
  // The one line that is missing something: whoever pays may write into the page.
  at('payments').innerHTML = rows.join('')
}

at('sign-in').addEventListener('submit', async (event) => {
  event.preventDefault()
  const answer = await fetch('/token', {
    method: 'POST',
    body: new URLSearchParams(new FormData(at('sign-in'))),
  })
  at('problem').hidden = answer.ok
  at('problem').textContent = 'That did not fit.'
  if (answer.ok) localStorage.setItem('token', (await answer.json()).token)
  await show()
})

at('sign-out').addEventListener('click', async () => {
  localStorage.removeItem('token')
  await show()
})

await show()
