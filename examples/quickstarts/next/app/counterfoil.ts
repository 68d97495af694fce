// Who is asking, and the server that knows. Made by `counterfoil init`; it is yours from here on.
import { readFileSync } from 'node:fs'
import { createAuth, type Transport } from 'counterfoil'
import { adapt } from 'counterfoil/next'
import { headers } from 'next/headers'

const { COUNTERFOIL_ISSUER, COUNTERFOIL_DATABASE, COUNTERFOIL_SECRET_FILE } = process.env
const { COUNTERFOIL_SMTP: smtp, COUNTERFOIL_MAIL_FROM: from } = process.env

// With no issuer this is a machine of yours, and the terminal the mailbox.
const printed: Transport = { send: async ({ to, text }) => console.log(to, text) }

const openAuth = () =>
  createAuth({
    // The origin that browsers use: https, and with mail, anywhere but on localhost.
    issuer: COUNTERFOIL_ISSUER ?? `http://localhost:${process.env.PORT ?? 3000}`,
    database: COUNTERFOIL_DATABASE ?? 'sqlite:data/counterfoil.db',
    secret: readFileSync(/* turbopackIgnore: true */ COUNTERFOIL_SECRET_FILE ?? 'data/secret', 'utf8'),
    ...(smtp && from ? { mail: { smtp, from } } : COUNTERFOIL_ISSUER ? {} : { mail: printed }),
  })

// Opened at the first request, and not while Next.js builds.
export const { proxy, required, action, caller } = adapt(openAuth, { headers })
