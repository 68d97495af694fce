import { createClient } from '@counterfoil/browser'

export const auth = createClient({
  carrier: 'token',
  issuer: 'https://auth.example',
  audiences: ['https://api.example'], // services that take the session's token; no other origin is ever given it
})
