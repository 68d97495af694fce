/** A program that talks to a server over a socket, as curl would. */
export type Pair = { access_token: string; refresh_token: string; session: { id: string } }

export const password = 'a long walk by the quiet river'

export async function postJson(
  url: string,
  body: object,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
}

/** Signs up and proves the mailbox through the development mailbox. */
export async function becomeMember(origin: string, email: string): Promise<Pair> {
  await expectStatus(await postJson(`${origin}/auth/sign-up`, { email, password }), 202)
  const mails = (await (
    await fetch(`${origin}/dev/mail`, { headers: { accept: 'application/json' } })
  ).json()) as {
    to: string
    text: string
  }[]
  const token = /[?]token=([\w-]+)/.exec(mails.find(({ to }) => to === email)?.text ?? '')?.[1] ?? ''
  return pairFrom(await postJson(`${origin}/auth/verify-email`, { token, password, carrier: 'token' }))
}

export async function signIn(origin: string, email: string): Promise<Pair> {
  return pairFrom(await postJson(`${origin}/auth/sign-in`, { email, password, carrier: 'token' }))
}

export async function refresh(origin: string, refreshToken: string): Promise<Response> {
  const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refreshToken })
  return fetch(`${origin}/oauth/token`, { method: 'POST', body })
}

export async function sessionStatus(origin: string, accessToken: string): Promise<number> {
  const response = await fetch(`${origin}/auth/session`, {
    headers: { authorization: `Bearer ${accessToken}` },
  })
  await response.arrayBuffer()
  return response.status
}

async function pairFrom(response: Response): Promise<Pair> {
  return (await (await expectStatus(response, 200)).json()) as Pair
}

async function expectStatus(response: Response, status: number): Promise<Response> {
  if (response.status === status) return response
  throw new Error(`expected ${status}, got ${response.status}: ${await response.text()}`)
}
