// What an application reads of us, and how long that takes, is measured with this.
import { createAuth } from 'counterfoil'

const auth = await createAuth({ issuer: 'https://bank.example', database: 'sqlite:auth.db', secret: 's' })
export const answer = (request: Request): Promise<Response> => auth.fetch(request)
export const who = async (request: Request): Promise<string | undefined> =>
  (await auth.identify(request))?.account.id
