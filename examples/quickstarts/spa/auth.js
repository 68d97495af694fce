// Who is asking, and the server that knows. Made by `counterfoil init`; it is yours from here on.
import { readFileSync } from 'node:fs'
import { createAuth } from 'counterfoil'
import { adapt } from 'counterfoil/hono'

const { COUNTERFOIL_ISSUER, COUNTERFOIL_DATABASE, COUNTERFOIL_SECRET_FILE } = process.env
const { COUNTERFOIL_SMTP: smtp, COUNTERFOIL_MAIL_FROM: from } = process.env

/** Where pages of another origin come from. */
export const elsewhere = 'http://localhost:5173'

export const auth = await createAuth({
  // The origin that browsers use: https, and with mail, anywhere but on localhost.
  issuer: COUNTERFOIL_ISSUER ?? `http://localhost:${process.env.PORT ?? 3000}`,
  database: COUNTERFOIL_DATABASE ?? 'sqlite:data/counterfoil.db',
  secret: readFileSync(COUNTERFOIL_SECRET_FILE ?? 'data/secret', 'utf8'),
  policy: { origins: [elsewhere] }, // they may sign in here, and read what this server answers
  ...(smtp && from ? { mail: { smtp, from } } : {}),
})

export const { serve, required, callerOf, callerOrNull } = adapt(auth)
