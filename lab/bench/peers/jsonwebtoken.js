// jsonwebtoken behind Express: a middleware that verifies, as tutorials write it.
import express from 'express'
import jwt from 'jsonwebtoken'
import { algorithm, answerOf, audience, claimsOf, issuer, keyPair } from './tokens.js'

export function open({ user, seconds }) {
  const { privateKey, publicKey } = keyPair()
  const app = express()
  app.post('/sign-in', (_, response) => {
    const asked = { algorithm, issuer, audience, expiresIn: seconds }
    response.json({ token: jwt.sign(claimsOf(user), privateKey, asked) })
  })
  const authenticate = (request, response, next) => {
    const token = request.headers.authorization?.slice('Bearer '.length) ?? ''
    try {
      request.claims = jwt.verify(token, publicKey, { issuer, audience, algorithms: [algorithm] })
    } catch {
      return response.sendStatus(401)
    }
    next()
  }
  app.get('/me', authenticate, (request, response) => response.json(answerOf(request.claims)))
  const server = app.listen(0, '127.0.0.1')
  return { server, signIn: { path: '/sign-in', body: {} }, signOut: null }
}
