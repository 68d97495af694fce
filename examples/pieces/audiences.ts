import { createClient } from '@counterfoil/browser'

const auth = createClient({ carrier: 'cookie', audiences: ['https://api.example'] })

export const orders = () => auth.fetch('https://api.example/orders')
