// The application before: express-session as in a tutorial. Who signs in is taken at their word here.
import express from 'express'
import session from 'express-session'
import { oldSecret, openOldSessions } from './old-sessions.ts'

declare module 'express-session' {
  interface SessionData {
    account: string
  }
}

const { store } = openOldSessions('sessions.db')
const app = express()
app.use(session({ secret: oldSecret, store, resave: false, saveUninitialized: false }))
app.post('/login/:account', (request, response) => {
  request.session.account = request.params.account
  response.redirect(303, '/')
})
app.get('/', (request, response) => void response.send(`Hello, ${request.session.account ?? 'stranger'}`))
const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1')
server.on('listening', () => console.log('listening', server.address()))
