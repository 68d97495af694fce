// What the application is about: everybody keeps notes. These are in memory; yours are in a database.
const notes = []

/** Beside whatever is somebody's goes the id of their account, from the caller and never from a body. */
export function keep(who, text) {
  if (typeof text === 'string' && text !== '') notes.push({ who, text: text.slice(0, 500) })
}

/** The one page. Whoever acts for somebody else sees what nobody sees. */
export function page(caller) {
  if (caller === null || caller.actor !== null)
    return layout('<p><a href="/sign-up">Sign up</a> or <a href="/sign-in?next=/">sign in</a></p>')
  const mine = notes.filter(({ who }) => who === caller.account.id)
  return layout(`
<form method="post" action="/notes"><input name="text" required maxlength="500"> <button>Keep</button></form>
<ul>${mine.map(({ text }) => `<li>${escaped(text)}</li>`).join('')}</ul>
<form method="post" action="/sign-out"><button>Sign out ${escaped(caller.account.email ?? '')}</button></form>
<p><a href="/account">Your account</a></p>`)
}

const layout = (body) =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>Notes</title><h1>Notes</h1>${body}</html>`

const escaped = (text) => text.replace(/[&<>"']/g, (mark) => `&#${mark.charCodeAt(0)};`)
