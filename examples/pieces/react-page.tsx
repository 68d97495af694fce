import { createRoot } from 'react-dom/client'
import { Page } from './header.tsx'
import { auth } from './own-origin.ts'

/** Shows the page as a server would have it: with what is known of this very request. */
export async function show(): Promise<void> {
  createRoot(document.body).render(<Page client={auth} initial={await auth.session()} />)
}
