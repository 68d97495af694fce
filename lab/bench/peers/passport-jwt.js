// passport-jwt as its README sets it up, on Express.
import express from 'express'
import jwt from 'jsonwebtoken'
import passport from 'passport'
import { ExtractJwt, Strategy } from 'passport-jwt'
import { algorithm, answerOf, audience, claimsOf, issuer, keyPair } from './tokens.js'

export function open({ user, seconds }) {
  const { privateKey, publicPem } = keyPair()
  const options = {
    ...{ jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(), secretOrKey: publicPem },
    ...{ issuer, audience, algorithms: [algorithm] },
  }
  passport.use(new Strategy(options, (claims, done) => done(null, claims)))
  const app = express()
  app.post('/sign-in', (_, response) => {
    const asked = { algorithm, issuer, audience, expiresIn: seconds }
    response.json({ token: jwt.sign(claimsOf(user), privateKey, asked) })
  })
  app.get('/me', passport.authenticate('jwt', { session: false }), (request, response) =>
    response.json(answerOf(request.user)),
  )
  const server = app.listen(0, '127.0.0.1')
  return { server, signIn: { path: '/sign-in', body: {} }, signOut: null }
}
