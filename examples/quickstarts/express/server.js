import express from 'express'
import { callerOf, callerOrNull, required, serve } from './auth.js'
import { keep, page } from './notes.js'

const port = Number(process.env.PORT ?? 3000)
const ready = () => console.log(`listening on http://localhost:${port}`)

const app = express()
app.use(serve()) // before everything else, body parsers too
app.get('/', (request, response) => void response.send(page(callerOrNull(request))))
app.get('/me', required(), (request, response) => void response.json(callerOf(request)))
app.post('/notes', required(), express.urlencoded(), (request, response) => {
  keep(callerOf(request).account.id, request.body?.text)
  response.redirect(303, '/')
})
app.listen(port, '127.0.0.1').on('listening', ready)
