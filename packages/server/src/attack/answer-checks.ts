import { accepted, type Check, refused, skipped } from './check.ts'
import { lookalikesOf } from './evidence.ts'
import { softened } from './forged-checks.ts'
import { evil } from './forging.ts'
import { flagOf, lacks } from './lacking.ts'
import { cookieText } from './received-cookies.ts'
import { filledRoute, mentions, ownBody } from './route.ts'
import {
  askWho,
  fillingOf,
  living,
  needRoute,
  ownEvidence,
  request,
  type Scene,
  sendAs,
  showsAccount,
} from './scene.ts'
import { type Answer, type Header, headerOf, headersNamed } from './wire.ts'

const elsewhere = 'attacker.example'

/** Spellings that a browser reads as another host, and a careless check as a path. */
const leads = (host: string): string[] => [
  `https://${elsewhere}/`,
  `//${elsewhere}/`,
  `///${elsewhere}/`,
  `/\\${elsewhere}/`,
  `\\\\${elsewhere}/`,
  `/\t/${elsewhere}/`,
  `https:${elsewhere}/`,
  `https://${host}@${elsewhere}/`,
  `https://${host}.${elsewhere}/`,
  `/.//${elsewhere}/`,
  `/..//${elsewhere}/`,
  'javascript:alert(1)',
]

const openRedirect: Check = {
  id: 'open-redirect',
  sentence: 'The target sends browsers on to an address of the attacker.',
  severity: 'medium',
  remedy:
    'Send browsers on to plain paths of your own alone: parse the address, and compare its origin with yours.',
  async run(scene) {
    const route = needRoute(scene.description.redirect, 'redirect')
    if (!mentions(route, 'url'))
      return skipped(`redirect (${flagOf('redirect')}) does not say where {url} goes`)
    const jar =
      scene.description.cookie === null ? new Map<string, string>() : (await living(scene, 'cookie')).jar
    const callers: Header[][] = [[], ...(jar.size === 0 ? [] : [[['Cookie', cookieText(jar)] as const]])]
    let worked = false
    for (const caller of callers) {
      const ask = (url: string) => {
        const filled = filledRoute(route, { ...fillingOf(scene), url })
        return scene.send(request(filled, [...ownEvidence(scene.origin), ...caller], ownBody(filled)))
      }
      worked ||= leadsTo(scene, await ask(scene.who.path)) !== null
      for (const lead of leads(new URL(scene.origin).host)) {
        const to = leadsTo(scene, await ask(lead))
        if (to === 'elsewhere') return accepted(`${lead.replace('\t', '(tab)')} leads to another origin`)
      }
    }
    return worked
      ? refused('no spelling leads to another origin; an own path is followed')
      : skipped('a path of its own is not sent on to either, so nothing was learned')
  },
}

function leadsTo(scene: Scene, answer: Answer): 'here' | 'elsewhere' | null {
  const location = headerOf(answer, 'location')
  if (answer.status < 300 || answer.status > 399 || location === null) return null
  if (!URL.canParse(location, scene.origin)) return 'here'
  const { origin, hostname } = new URL(location, scene.origin)
  // Where the target is reached under another address than browsers use, that one is its own too.
  if (origin === scene.origin || origin === scene.target.url.origin) return 'here'
  return hostname === elsewhere || hostname.endsWith(`.${elsewhere}`) || origin === 'null'
    ? 'elsewhere'
    : 'here'
}

const directives = (answer: Answer) =>
  headersNamed(answer, 'cache-control')
    .join(',')
    .toLowerCase()
    .split(',')
    .map((part) => part.trim())

const cachePersonal: Check = {
  id: 'cache-personal',
  sentence: 'What only one person should see may be kept by a cache that others use.',
  severity: 'medium',
  remedy: 'Answer whatever depends on a credential with Cache-Control: no-store, or at least private.',
  async run(scene) {
    const carriers = (['cookie', 'token'] as const).filter((carrier) => scene.description[carrier] !== null)
    for (const carrier of carriers) {
      const answer = await sendAs(scene, await living(scene, carrier), request(scene.who, []))
      if (!showsAccount(scene, answer)) return skipped(`the answer was ${answer.status}`)
      const given = directives(answer)
      const has = (name: string) => given.some((part) => part === name || part.startsWith(`${name}=`))
      if (['no-store', 'private', 'no-cache'].some(has)) continue
      // A shared cache keeps an answer to Authorization only where it is told to (RFC 9111 section 3.5).
      if (carrier === 'cookie' || ['public', 's-maxage', 'must-revalidate'].some(has)) {
        return accepted(`by ${carrier}: Cache-Control is ${given.join(', ') || 'missing'}`)
      }
    }
    return refused('no shared cache may keep the answer')
  },
}

const cacheCredential: Check = {
  id: 'cache-credential',
  sentence: 'An answer that hands out a token or a session does not forbid that it is kept.',
  severity: 'low',
  remedy: 'Answer sign-in and refresh with Cache-Control: no-store (RFC 6749 section 5.1).',
  async run(scene) {
    const carriers = (['cookie', 'token'] as const).filter((carrier) => scene.description[carrier] !== null)
    for (const carrier of carriers) {
      const given = directives((await living(scene, carrier)).answer)
      if (!given.includes('no-store'))
        return accepted(`by ${carrier}: Cache-Control is ${given.join(', ') || 'missing'}`)
    }
    return refused('no-store')
  },
}

const cors: Check = {
  id: 'cors-reflection',
  sentence: 'Any origin may read answers that come with the cookie.',
  severity: 'high',
  remedy:
    'Name only origins of a fixed list in Access-Control-Allow-Origin, never the one that asks, and never null.',
  async run(scene) {
    const { jar } = await living(scene, 'cookie')
    for (const origin of [evil, 'null', ...lookalikesOf(scene)]) {
      const evidence: Header[] = [
        ['Origin', origin],
        ['Sec-Fetch-Site', 'cross-site'],
      ]
      const answers = [
        await askWho(scene, [...evidence, ['Cookie', cookieText(jar)]]),
        await scene.send({
          method: 'OPTIONS',
          path: scene.who.path,
          headers: [...evidence, ['Access-Control-Request-Method', 'GET']],
        }),
      ]
      if (answers.some((answer) => isNamed(answer, origin))) {
        return softened(
          scene,
          accepted(`${origin} is named in Access-Control-Allow-Origin, with credentials`),
        )
      }
    }
    return refused('no foreign origin is named together with credentials')
  },
}

const isNamed = (answer: Answer, origin: string) =>
  headerOf(answer, 'access-control-allow-origin') === origin &&
  headerOf(answer, 'access-control-allow-credentials') === 'true'

const socket: Check = {
  id: 'socket-cross-origin',
  sentence: 'Another site can open a WebSocket that is signed in by cookie.',
  severity: 'high',
  remedy: 'Compare Origin with your own before you accept an upgrade.',
  async run(scene) {
    const path = scene.description.socket
    if (path === null) return skipped(lacks('socket'))
    const { jar } = await living(scene, 'cookie')
    const upgrade = async (evidence: readonly Header[]) => {
      const headers: Header[] = [
        ...evidence,
        ['Connection', 'Upgrade'],
        ['Upgrade', 'websocket'],
        ['Sec-WebSocket-Version', '13'],
        ['Sec-WebSocket-Key', Buffer.from(scene.tools.entropy.bytes(16)).toString('base64')],
        ['Cookie', cookieText(jar)],
      ]
      return (await scene.send({ method: 'GET', path, headers })).status
    }
    const honest = await upgrade([['Origin', scene.origin]])
    if (honest !== 101) return skipped(`the genuine upgrade was answered ${honest}`)
    for (const origin of [evil, 'null', ...lookalikesOf(scene)]) {
      if ((await upgrade([['Origin', origin]])) === 101)
        return softened(scene, accepted(`accepted from ${origin}`))
    }
    return refused('refused from every other origin; the genuine upgrade worked')
  },
}

/** Lines that only a program's inside writes, in the languages that servers are written in. */
const inside: readonly RegExp[] = [
  /\bat (?:[\w.$<>[\] ]{1,100} )?\(?(?:file:\/\/|node:|[A-Za-z]:\\|\/)[^\s()]{1,200}:\d{1,6}:\d{1,6}\)?/,
  /Traceback \(most recent call last\)/,
  /\bat [\w$.]{3,200}\([\w$]{1,100}\.(?:java|kt|scala):\d{1,6}\)/,
  /\bin [\w/.-]{1,200}\.(?:php|rb|py)(?: on line |:)\d{1,6}/,
  /\bgoroutine \d{1,6} \[running\]/,
  /\bSQLSTATE\[|\bORA-\d{5}\b|\bSQLITE_[A-Z]{3,20}\b|syntax error at or near "/,
  /[/\\]node_modules[/\\]/,
]

const leak = (body: string) =>
  inside.map((pattern) => pattern.exec(body)?.[0]).find((found) => found !== undefined)

const errors: Check = {
  id: 'error-leak',
  sentence: 'An answer to a broken request shows the inside of the program.',
  severity: 'low',
  remedy:
    'Answer errors with a fixed text, and keep stack traces in the log (NODE_ENV=production where a framework asks).',
  async run(scene) {
    const { description, origin } = scene
    const routes = [
      description.cookie?.sign_in,
      description.token?.sign_in,
      description.act,
      description.token?.refresh_by,
    ]
    const json: Header = ['Content-Type', 'application/json']
    const headers: Header[] = [...ownEvidence(origin), json]
    const broken = routes.flatMap((route) =>
      route == null || route.method === 'GET'
        ? []
        : ['{"', 'null', '[[]]', '{"__proto__":{"x":1},"email":{},"name":[],"password":{"$gt":""}}'].map(
            (body) =>
              request({ ...filledRoute(route, fillingOf(scene)), headers: [] }, [], { headers, body }),
          ),
    )
    const addresses = [
      '/%',
      '/%c0%ae%c0%ae/',
      `${scene.who.path}${scene.who.path.includes('?') ? '&' : '?'}a[b]=1&a=2&id=%27`,
    ]
    const plain = leak((await askWho(scene, [])).body)
    const oddities = [
      ...addresses.map((path) => ({ method: 'GET', path, headers: [] })),
      request(scene.who, [['Authorization', 'Bearer eyJhbGciOiJub25lIn0.e30.']]),
      request(scene.who, [['Authorization', 'Bearer a.b.c']]),
      request(scene.who, [
        ['Authorization', 'DPoP a.b.c'],
        ['DPoP', 'a.b.c'],
      ]),
      request(scene.who, [['Cookie', '%=%; =; session=%E0%A4%A']]),
    ]
    for (const sent of [...broken, ...oddities]) {
      const answer = await scene.send(sent)
      const found = leak(answer.body)
      if (found !== undefined && found !== plain && answer.status >= 400) {
        return accepted(
          `${sent.method} ${sent.path.split('?')[0]} was answered ${answer.status} with "${found}"`,
        )
      }
    }
    return refused(`${broken.length + oddities.length} broken requests, and no answer shows the inside`)
  },
}

export const answerChecks: readonly Check[] = [
  openRedirect,
  cachePersonal,
  cacheCredential,
  cors,
  socket,
  errors,
]
