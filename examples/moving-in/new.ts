import { createHmac, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createAuth } from 'counterfoil'
import { adapt } from 'counterfoil/express'
import express, { type Request, type Response } from 'express'
import { oldSecret, openOldSessions } from './old-sessions.ts'

const port = process.env.PORT ?? '3000'
const old = openOldSessions('sessions.db')

/** The id of an old session, if its signature is the old system's: `s:ID.SIGNATURE`, as express-session writes it. */
function oldSessionIn(cookies: string | null): string | null {
  const [, id = '', signature = ''] = /(?:^|; )connect\.sid=s%3A([\w-]+)\.([^;]+)/.exec(cookies ?? '') ?? []
  const right = createHmac('sha256', oldSecret).update(id).digest()
  const given = Buffer.from(decodeURIComponent(signature), 'base64')
  return given.length === right.length && timingSafeEqual(given, right) ? id : null
}

const auth = await createAuth({
  issuer: `http://localhost:${port}`,
  database: 'sqlite:data/counterfoil.db',
  secret: readFileSync('data/secret', 'utf8'),
  // Who is signed in over there. The account's id is the one that `counterfoil import` kept.
  adopt(request) {
    const credential = oldSessionIn(request.headers.get('cookie'))
    const found = credential === null ? null : old.find(credential)
    return credential && found ? { ...found, credential } : null
  },
})
const { serve } = adapt(auth)

/** Once for everybody who was signed in: their old session for one of ours, and the old cookie is gone. */
async function moveIn(request: Request, response: Response): Promise<void> {
  const moved = await auth.adopt(request, { address: request.socket.remoteAddress ?? null })
  // They came by a link on another site, which could have been anybody's: let them press a button of our own.
  if (moved.status === 403 && request.method === 'GET') {
    response.send('<form method="post" action="/continue"><button>Continue</button></form>')
    return
  }
  // Something broke, or has to wait: they keep what they have.
  if (moved.status >= 402) {
    response.status(503).send('Try again in a moment.')
    return
  }
  response.clearCookie('connect.sid')
  for (const cookie of moved.headers.getSetCookie()) response.append('set-cookie', cookie)
  response.redirect(303, moved.ok ? '/' : '/sign-in?next=/')
}

const app = express()
app.use(serve())
app.get('/', async (request, response) => {
  if (request.caller) response.send(`Hello, ${request.caller.account.email}`)
  else if (request.headers.cookie?.includes('connect.sid=')) await moveIn(request, response)
  else response.redirect(303, '/sign-in?next=/')
})
app.post('/continue', moveIn)
const server = app.listen(Number(port), '127.0.0.1')
server.on('listening', () => console.log('listening', server.address()))
