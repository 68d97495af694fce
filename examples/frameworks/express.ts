import { createAuth } from 'counterfoil'
import { adapt } from 'counterfoil/express'
import express from 'express'

const secret = 'for trying it out; counterfoil init makes a real one'
const auth = await createAuth({ issuer: 'http://localhost:3000', database: 'sqlite::memory:', secret })
const { serve, required, callerOf } = adapt(auth)
const payments: { to: string; from: string }[] = []

const app = express()
app.use(serve())
app.use(express.json())
app.get('/me', required(), (request, response) => void response.json(callerOf(request)))
app.get('/payments', (_, response) => void response.json(payments))
app.post('/payments', required({ freshWithinSeconds: 300 }), (request, response) => {
  payments.push({ to: request.body.to, from: callerOf(request).account.id })
  response.json({ paid: true })
})
// It forgot to require anybody, and still cannot be forged.
app.delete('/payments', (_, response) => void response.json(payments.splice(0)))
const server = app.listen(Number(process.argv[2] ?? 3000), '127.0.0.1')
server.on('listening', () => console.log('listening', server.address()))
