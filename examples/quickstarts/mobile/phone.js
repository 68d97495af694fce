// An app's life in a few lines. EMAIL and PASSWORD are those of an account that there is.
import { createClient } from './client.js'
import { createKey } from './key.js'

const {
  SERVER: server = 'http://localhost:3000',
  EMAIL: email,
  PASSWORD: password,
  BOUND: bound,
} = process.env
if (!email || !password) throw new Error('give EMAIL and PASSWORD of somebody who has signed up')

let kept = null
const store = {
  get: async () => kept,
  set: async (text) => {
    kept = text
  },
  remove: async () => {
    kept = null
  },
}
const key = bound === 'yes' ? createKey() : null
const app = createClient({ server, store, key })

await app.signIn(email, password)
const headers = { 'content-type': 'application/json' }
const note = { method: 'POST', headers, body: JSON.stringify({ text: 'tea' }) }
console.log('kept a note:', (await app.fetch('/api/notes', note)).status)

const before = kept
const opened = createClient({ server, store, key }) // the app was closed, and is opened again
console.log('notes:', await (await opened.fetch('/api/notes')).json())
console.log('refresh token:', kept === before ? 'the same, bound to the key' : 'replaced')

const last = kept
await opened.signOut()
kept = last // as a thief has it, who copied it in time
const thief = createClient({ server, store, key })
console.log('after sign-out:', await thief.fetch('/api/notes').catch(({ message }) => message))
