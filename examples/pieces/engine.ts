import { createAuth } from 'counterfoil'

type Given = Parameters<typeof createAuth>[0]

/** What the server is for a program that has no framework: one function for requests, and one for who sends them. */
export async function engine({
  issuer,
  database,
  secret,
  mail,
}: Given & { mail: NonNullable<Given['mail']> }) {
  const auth = await createAuth({ issuer, database, secret, mail })
  return {
    async answer(request: Request, address: string): Promise<Response> {
      // The whole server as one handler; `address` is the other end of the socket.
      if (auth.serves(new URL(request.url).pathname)) return auth.fetch(request, { address })
      const caller = await auth.identify(request) // null: nobody; throws a Refusal for a bad token or a forged request
      const { account } = auth.demand(caller, { present: true }) // that caller, or a Refusal that says what is missing
      return Response.json({ account })
    },
    close: () => auth.close(),
  }
}
