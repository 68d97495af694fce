import assert from 'node:assert/strict'
import { it, type TestContext } from 'node:test'
import { sessionCookieName as name } from '@counterfoil/verifier'
import { listen, onEachEngine, openHouse } from 'counterfoil/house'
import { everyAttackIsReal } from './at-textbook.ts'
import {
  bentCookieCounts,
  oneOfTwoHeadersCounts,
  tossedCookieCounts,
  wholeJarIsRead,
} from './cookies-at-textbook.ts'
import { requestText, sendRaw, statusOf } from './raw-request.ts'
import { aVictim, expectForged, unchanged } from './victim.ts'

const own = 'http://localhost:3000'
const host = 'Host: localhost:3000'
const bytesOf = (text: string) => Buffer.from(text, 'utf8').toString('latin1')

/** Headers under which `value`, a live session's, must not be taken for it, by what they try. */
function bentHeaders(value: string, other: string, name: string): Record<string, string[]> {
  const honest = `${name}=${value}`
  return {
    // Two of them: one was put there by somebody else, and no order says which.
    doubled: [
      ...[`${honest}; ${name}=${other}`, `${name}=${other}; ${honest}`, `${honest}; ${honest}`],
      ...[`${honest}; ${name}=`, `${name}=; ${honest}`, `${honest};\t${name}\t=\t${other}`],
    ],
    // Blanks that some servers trim and browsers do not: U+0085, U+00A0, U+2000, U+3000, U+FEFF.
    blanks: [
      ...[`\x85${honest}`, `\xa0${honest}`, bytesOf(`\u0085${honest}`), bytesOf(`\u00a0${honest}`)],
      ...[bytesOf(`\u2000${honest}`), bytesOf(`\u3000${honest}`), bytesOf(`\ufeff${honest}`)],
      ...[`${name}\xa0=${value}`, `a=b; ${bytesOf('\u2000')}${honest}`],
      ...[`a=b;\x0c${honest}`, `a=b;\x0b${honest}`],
    ],
    // A nameless cookie, whose value looks like a pair.
    nameless: [`=${honest}`, `a==${honest}`, `${name}`, `${value}`],
    // RFC 2965 and quoted strings.
    quoted: [`$Version=1; ${name}="${value}; b"`, `$Version=1; ${name}="${value}"`, `${name}="${value}"`],
    'another spelling of the name': [
      ...[honest.replace('-', '%2D'), honest.replace('_', '%5F'), honest.toLowerCase(), honest.toUpperCase()],
      ...[
        name.replace('__Host', '__host'),
        name.toLowerCase(),
        name.replace('-session', '-Session'),
        name.replace('Http', 'http'),
      ]
        .filter((bent) => bent !== name)
        .map((bent) => `${bent}=${value}`),
      `${name.toUpperCase()}=${value}`,
    ],
    'another separator': [`a=b, ${honest}`, `a=b&${honest}`, `a=b ${honest}`],
    'another spelling of the value': [
      ...[`${honest}=`, `${honest}%00`, `${honest} x`, `${honest},`],
      `${name}=${encodeURIComponent(`${value}=`)}`,
      ...[`${name}=${value.slice(0, -1)}`, `${honest}A`],
      ...[`${name}=${value.toLowerCase()}`, `${name}= "${value}"`],
    ],
  }
}

async function listening(t: TestContext, fetch: Parameters<typeof listen>[0]['fetch']): Promise<number> {
  const listener = await listen({ fetch, host: '127.0.0.1', port: 0 })
  t.after(() => listener.close())
  return listener.port
}

onEachEngine('bent cookies', (open) => {
  it('A-17: a cookie that a sibling tossed under another name is nobody, and does not hide the real one', async () => {
    await tossedCookieCounts('A-17')
    const home = await openHouse(open)
    const { browser, email } = await home.member()
    const { browser: mallory } = await home.member('mallory@example.org')
    const [mine, theirs] = [browser.cookies.get(name) ?? '', mallory.cookies.get(name) ?? '']
    const tossed = [
      'session',
      '__Host-session',
      '__Secure-session',
      'Http-session',
      '__Http-session',
      'sid',
      `${name}2`,
    ]
    const ask = async (cookie: string) => {
      const headers = { cookie, 'sec-fetch-site': 'same-origin' }
      const answer = await home.program().get('/auth/session', headers)
      return answer.status === 200 ? (await answer.json()).account.email : answer.status
    }
    for (const other of tossed) {
      assert.equal(await ask(`${other}=${theirs}`), 401, other)
      assert.equal(await ask(`${other}=${theirs}; ${name}=${mine}`), email, other)
      assert.equal(await ask(`${name}=${mine}; ${other}=${theirs}`), email, other)
    }
    assert.equal(await ask(`${name}=${theirs}`), 'mallory@example.org', 'under the real name it would count')
  })

  it('A-18: doubled, disguised and malformed session cookies are nobody, however the header is bent', async (t) => {
    await bentCookieCounts('A-18', bentHeaders)
    const home = await openHouse(open)
    const { browser } = await home.member()
    const { browser: mallory } = await home.member('mallory@example.org')
    const value = browser.cookies.get(name) ?? ''
    const bent = Object.values(bentHeaders(value, mallory.cookies.get(name) ?? '', name)).flat()
    const port = await listening(t, home.house.fetch)
    const program = home.program()
    for (const cookie of bent) {
      const shown = JSON.stringify(cookie.replaceAll(value, 'VALUE'))
      // Some of these no HTTP library lets through; over the wire they arrive.
      const raw = statusOf(
        await sendRaw(port, requestText('GET', '/auth/session', [host, `Cookie: ${cookie}`])),
      )
      assert.ok([400, 401].includes(raw), `over the wire ${shown} is answered ${raw}`)
      if (/^[\t\x20-\x7e\x80-\xff]*$/.test(cookie))
        assert.equal((await program.get('/auth/session', { cookie })).status, 401, shown)
    }
    for (const cookie of [
      `${name}=${value}`,
      `a=b;\t${name} = ${value} ; c="d; e"`,
      `=x; ${name}=${value}; $Version=1`,
    ]) {
      const raw = await sendRaw(port, requestText('GET', '/auth/session', [host, `Cookie: ${cookie}`]))
      assert.equal(statusOf(raw), 200, `honest: ${cookie.replaceAll(value, 'VALUE')}`)
    }
  })

  it('A-18: two Cookie headers with a session each are nobody', async (t) => {
    await oneOfTwoHeadersCounts('A-18')
    const home = await openHouse(open)
    const { browser } = await home.member()
    const { browser: mallory } = await home.member('mallory@example.org')
    const lines = [browser, mallory].map(({ cookies }) => `Cookie: ${name}=${cookies.get(name)}`)
    const port = await listening(t, home.house.fetch)
    const ask = async (headers: string[]) =>
      statusOf(await sendRaw(port, requestText('GET', '/auth/session', [host, ...headers])))
    assert.equal(await ask(lines), 401)
    assert.equal(await ask(lines.toReversed()), 401)
    assert.equal(await ask([...lines.slice(0, 1), 'Cookie: a=b']), 200)
  })

  it('A-18: a bent session cookie does not get a forged request past the guard', async () => {
    const victim = await aVictim(open)
    const { home } = victim
    const value = victim.browser.cookies.get(name) ?? ''
    await unchanged(home, async () => {
      for (const cookie of [
        `${name}=${value}; ${name}=x`,
        `${name}="${value}"`,
        `${name}=`,
        `a=b; ${name}=x=y`,
      ]) {
        const forged = await home.program().send('POST', '/auth/sign-out', { headers: { cookie } })
        await expectForged(forged, cookie.replaceAll(value, 'VALUE'))
      }
    })
    const headers = { cookie: `a=b; ${name}=${value}`, origin: own }
    assert.equal((await home.program().send('POST', '/auth/sign-out', { headers })).status, 204)
  })

  it('A-19: a jar that a sibling filled is answered 431 at once and unread, and emptied it works again', async (t) => {
    const home = await openHouse(open)
    const { browser } = await home.member()
    let reached = 0
    const port = await listening(t, (request, remote) => {
      reached += 1
      return home.house.fetch(request, remote)
    })
    const session = `${name}=${browser.cookies.get(name)}`
    const ask = (junk: string) =>
      sendRaw(port, requestText('GET', '/auth/session', [host, `Cookie: ${[session, junk].join('; ')}`]))
    const tossed = (count: number) =>
      Array.from({ length: count }, (_, at) => `c${at}=${'x'.repeat(1000)}`).join('; ')
    for (const count of [17, 1000]) await wholeJarIsRead('A-19', tossed(count))
    for (const count of [17, 100, 1000]) {
      const startedAt = performance.now()
      assert.equal(statusOf(await ask(tossed(count))), 431, `${count} KiB`)
      assert.ok(performance.now() - startedAt < 10_000, 'at once')
    }
    assert.equal(reached, 0)
    assert.equal(statusOf(await ask(tossed(12))), 200, 'twelve would do')
    assert.equal(statusOf(await ask('')), 200)
    assert.equal(reached, 2)
  })
})

everyAttackIsReal('cookies.test.ts')
