// Bent cookies, where they are taken for what they resemble.
import assert from 'node:assert/strict'
import { atTextbook, expectFallen, rememberName, startTextbook, textbookAccount } from './at-textbook.ts'
import { requestText } from './raw-request.ts'
import { cookieReaders } from './textbook-checks.ts'

const ada = textbookAccount.name
const form = { 'content-type': 'application/x-www-form-urlencoded' }

async function ofMallory(at: Awaited<ReturnType<typeof atTextbook>>): Promise<string> {
  const answer = await at.send('POST /sign-up', form, 'email=mallory@example.org')
  return answer.header('set-cookie')?.split(';', 1)[0] ?? ''
}

/** A cookie of the same name for the whole domain: of the two the one with the longer path comes first, and counts. */
export async function tossedCookieCounts(id: string): Promise<void> {
  const at = await atTextbook()
  const [mine, theirs] = [await at.signIn(), await ofMallory(at)]
  assert.equal(await at.whoIs({ cookie: mine }), ada)
  expectFallen(id, { before: ada, after: await at.whoIs({ cookie: `${theirs}; ${mine}` }) })
}

/** At least one of each kind is taken by somebody's own reading of the header. */
export async function bentCookieCounts(
  id: string,
  bent: (value: string, other: string, name: string) => Readonly<Record<string, readonly string[]>>,
): Promise<void> {
  const at = await atTextbook()
  const remember = async () => {
    const body = new URLSearchParams({ email: ada, password: at.state.password }).toString()
    const { header } = await at.send('POST /remember', form, body)
    return /=([^;]+)/.exec(header('set-cookie') ?? '')?.[1] ?? ''
  }
  const cookies = bent(await remember(), 'x', rememberName)
  for (const [kind, headers] of Object.entries(cookies)) {
    const taken: string[] = []
    for (const readCookie of Object.values(cookieReaders)) {
      at.state.readCookie = readCookie
      assert.equal(await at.whoIs({ cookie: `${rememberName}=made-up` }), null)
      for (const cookie of headers) if ((await at.whoIs({ cookie })) === ada) taken.push(cookie)
    }
    expectFallen(id, { before: [], after: taken }, kind)
  }
}

export async function oneOfTwoHeadersCounts(id: string): Promise<void> {
  const at = await atTextbook()
  const lines = [await ofMallory(at), await at.signIn()].map((cookie) => `Cookie: ${cookie}`)
  const { body } = await at.raw(requestText('GET', '/me', ['Host: localhost', ...lines]))
  expectFallen(id, { before: ada, after: JSON.parse(body).email })
}

/** Where somebody once raised the limit, since an honest request had met it, the whole jar is read. */
export async function wholeJarIsRead(id: string, jar: string): Promise<void> {
  const at = await startTextbook({ maxHeaderSize: 4 * 1024 * 1024 })
  const before = at.state.reached
  await at.send('GET /me', { cookie: jar })
  expectFallen(id, { before, after: at.state.reached })
}
