import { required } from '../counterfoil'

/** A route handler, by cookie or token. */
export const GET = required({}, (_, { caller }) => Response.json(caller))

/** One that wants a proof of the last five minutes. */
export const DELETE = required({ freshWithinSeconds: 300 }, () => new Response(null, { status: 204 }))
