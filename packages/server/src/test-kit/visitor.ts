/** Headers of a request, in lower case. */
export type SentHeaders = Readonly<Record<string, string>>

/** What a browser says of a request that was not made by the application's own pages. */
export type Forgery = { readonly from: string; readonly headers: SentHeaders }

/** Somebody who is signed in, and what their client sends. */
export type Visitor = {
  readonly account: { readonly id: string; readonly email: string }
  readonly session: { readonly id: string }
  /**
   * What each request of this client carries, for `fetch`, supertest's `set`, Fastify's `inject` or Hono's `request`: by
   * cookie what a browser adds on the application's own pages, by token `Authorization`.
   */
  readonly headers: SentHeaders
  /** The same as a web request, by path; `json` is its body. */
  request(path: string, given?: { method?: string; json?: unknown; headers?: SentHeaders }): Request
  /**
   * The same cookie in requests that another page made: every one of them has to be refused where something is changed.
   * Throws for a token: no other page can send it.
   */
  forgeries(): readonly Forgery[]
  /** Ends the session as another device, or an operator, would: with the next request it is over. */
  end(): Promise<void>
}

type Carried =
  | { readonly kind: 'cookie'; readonly cookie: string }
  | { readonly kind: 'bearer'; readonly token: string }

type Given = {
  readonly issuer: string
  readonly account: Visitor['account']
  readonly session: Visitor['session']
  readonly carried: Carried
  end(): Promise<void>
}

export function createVisitor({ issuer, account, session, carried, end }: Given): Visitor {
  const headers: SentHeaders =
    carried.kind === 'cookie'
      ? { cookie: carried.cookie, origin: issuer, 'sec-fetch-site': 'same-origin' }
      : { authorization: `Bearer ${carried.token}` }
  return {
    account,
    session,
    headers,
    request(path, { method = 'GET', json, headers: more = {} } = {}) {
      const content: SentHeaders = json === undefined ? {} : { 'content-type': 'application/json' }
      const body = json === undefined ? null : JSON.stringify(json)
      return new Request(new URL(path, issuer), {
        method,
        headers: { ...headers, ...content, ...more },
        body,
      })
    },
    forgeries() {
      if (carried.kind === 'bearer')
        throw new Error('A page of another site cannot send a token: sign in by cookie to try forgeries.')
      return forgeriesOf(issuer).map(({ from, headers: said }) => ({
        from,
        headers: { cookie: carried.cookie, ...said },
      }))
    },
    end,
  }
}

/** Same-site is no protection: a neighbour under the same domain may be somebody else's, or taken over. */
function forgeriesOf(issuer: string): readonly Forgery[] {
  const { protocol, hostname, port } = new URL(issuer)
  const sibling = `${protocol}//evil.${hostname}${port && `:${port}`}`
  const otherPort = `${protocol}//${hostname}:${port === '8443' ? '9443' : '8443'}`
  return [
    {
      from: 'another site',
      headers: { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
    },
    { from: 'a sibling domain', headers: { origin: sibling, 'sec-fetch-site': 'same-site' } },
    { from: 'another port', headers: { origin: otherPort, 'sec-fetch-site': 'same-site' } },
    { from: 'a sandboxed frame', headers: { origin: 'null', 'sec-fetch-site': 'cross-site' } },
    { from: 'a browser without Fetch Metadata', headers: { origin: 'https://evil.example' } },
    { from: 'a page that hides where it is', headers: {} },
  ]
}
