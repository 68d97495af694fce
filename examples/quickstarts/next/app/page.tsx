import { caller } from './counterfoil'
import { notes } from './notes'
import { addNote } from './notes/actions'

/** A server component: it shows who asks, and nobody's notes but theirs. */
export default async function Page() {
  const who = await caller()
  if (who === null) return <a href="/sign-in?next=/">Sign in</a>
  return (
    <main>
      <h1>Hello, {who.account.email}</h1>
      <ul>
        {notes(who.account.id).map((note) => (
          <li key={note}>{note}</li>
        ))}
      </ul>
      <form action={addNote}>
        <input name="note" required />
        <button type="submit">Add</button>
      </form>
      <a href="/account">Your devices</a>
    </main>
  )
}
