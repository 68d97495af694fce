import { adapt } from 'counterfoil/express'
import express from 'express'

/** Made of what it is given, so that a test can give it a clock of its own. */
export function createApi(auth) {
  const { serve, required, callerOf } = adapt(auth)
  const notes = []
  const app = express()
  app.use(serve()) // before everything else, body parsers too
  app.get('/api/notes', required(), (request, response) => {
    const mine = notes.filter(({ who }) => who === callerOf(request).account.id)
    response.json(mine.map(({ text }) => text))
  })
  app.post('/api/notes', required(), express.json(), (request, response) => {
    const text = request.body?.text
    if (typeof text !== 'string') return response.status(400).json({ code: 'text_missing' })
    notes.push({ who: callerOf(request).account.id, text: text.slice(0, 500) })
    response.status(204).end()
  })
  return app
}
