// What a page bundles.
import { createClient } from '@counterfoil/browser'

export const auth = createClient({ carrier: 'token', issuer: 'https://bank.example' })
