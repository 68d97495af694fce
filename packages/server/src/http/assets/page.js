// Pages work without this file. It does two things: it takes a secret out of the address bar,
// and it lets people see the password they are typing.
;(() => {
  // A link from a mail is a credential until it is used: it must not stay in the history, in a screenshot
  // or in an address that somebody copies. The form on the page still holds it.
  if (document.querySelector('[data-token-in-address]') && location.search !== '') {
    history.replaceState(null, '', location.pathname)
  }

  for (const input of document.querySelectorAll('input[type="password"]')) {
    const label = input.labels?.[0]?.textContent.trim() ?? 'password'
    const button = document.createElement('button')
    const show = (visible) => {
      input.type = visible ? 'text' : 'password'
      button.textContent = visible ? 'Hide' : 'Show'
      button.setAttribute('aria-label', `${button.textContent}: ${label}`)
    }
    button.type = 'button'
    button.className = 'reveal'
    button.setAttribute('aria-controls', input.id)
    button.addEventListener('click', () => show(input.type === 'password'))
    // Browsers remember what stood in text fields; a password must leave as a password.
    input.form?.addEventListener('submit', () => show(false))
    show(false)
    input.after(button)
  }
})()
