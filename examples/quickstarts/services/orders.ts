import { readFileSync } from 'node:fs'
import { createVerifier } from '@counterfoil/verifier'
import { adapt } from '@counterfoil/verifier/express'
import express from 'express'

const { ISSUER: issuer = 'http://localhost:3000', PORT: port = '4001' } = process.env
const { client_id: id, client_secret: secret } = JSON.parse(readFileSync('orders.json', 'utf8'))

const verifier = await createVerifier({
  issuer, // who says who is signed in
  audience: issuer, // tokens of a sign-in are made for the issuer, and whoever belongs to it
  origin: `http://localhost:${port}`, // our own address, which forms and scripts of our pages come from
  client: { id, secret }, // by which we hear at once who has signed out
})
const { authenticate, required, callerOf } = adapt(verifier)
const orders: { by: string; what: string }[] = []

const app = express()
app.use(authenticate()) // guards every route, those that forget `required` too
app.use(express.json())
app.get('/orders', required(), (request, response) => {
  const { account } = callerOf(request)
  response.json(orders.filter(({ by }) => by === account.id))
})
app.post('/orders', required(), (request, response) => {
  const order = { by: callerOf(request).account.id, what: String(request.body?.what) }
  orders.push(order)
  response.status(201).json(order)
})
const server = app.listen(Number(port), '127.0.0.1')
server.on('listening', () => console.log('listening', server.address()))
