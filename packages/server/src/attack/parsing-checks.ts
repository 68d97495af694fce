import { accepted, type Check, refused, skipped } from './check.ts'
import { lacks } from './lacking.ts'
import { cookieText } from './received-cookies.ts'
import {
  credentialOf,
  isAlive,
  living,
  noCookie,
  request,
  type Scene,
  type Session,
  sendBeside,
  showsAccount,
} from './scene.ts'
import type { Header } from './wire.ts'

type Disguise = { what: string; headers: Header[] }

/** The first that is signed in; where none is, the plain credential must be. */
async function tryAll(scene: Scene, session: Session, disguises: readonly Disguise[]) {
  for (const { what, headers } of disguises) {
    const answer = await sendBeside(scene, session, request(scene.who, headers))
    if (showsAccount(scene, answer)) return accepted(`${what}: signed in`)
  }
  if (!(await isAlive(scene, await living(scene, session.carrier))))
    return skipped('the plain credential is refused as well')
  return refused(`${disguises.length} refused; the plain credential is signed in`)
}

/** No other host can set such a cookie, so a second one cannot come from a sibling. */
const isPrefixed = (name: string) => /^__Host-/i.test(name)

const cookieOf = (text: string): Header => ['Cookie', text]

const twoCookies: Check = {
  id: 'cookie-doubled',
  sentence: 'Of two session cookies in one request one is believed; a sibling subdomain can plant the other.',
  severity: 'low',
  remedy: 'Treat two session cookies as none, and give the cookie a name that begins with __Host-.',
  async run(scene) {
    const session = await living(scene, 'cookie')
    const [name] = scene.cookieNames
    if (name === undefined) return skipped(noCookie(scene))
    const good = cookieText(session.jar)
    const other = `${name}=${scene.tools.entropy.id()}`
    const outcome = await tryAll(scene, session, [
      { what: 'the planted one last', headers: [cookieOf(`${good}; ${other}`)] },
      { what: 'the planted one first', headers: [cookieOf(`${other}; ${good}`)] },
      { what: 'in two headers', headers: [cookieOf(good), cookieOf(other)] },
      { what: 'in two headers, the planted one first', headers: [cookieOf(other), cookieOf(good)] },
    ])
    if (outcome.verdict !== 'accepted' || !isPrefixed(name)) return outcome
    return refused('one of two is believed, but the __Host- name keeps others from planting one')
  },
}

const bentName: Check = {
  id: 'cookie-disguised',
  sentence:
    'A cookie counts under a name that only resembles the protected one, so its __Host- or __Secure- prefix protects nothing.',
  severity: 'medium',
  remedy:
    'Compare cookie names byte for byte: no case folding, no decoding, no trimming beyond blanks and tabs.',
  async run(scene) {
    const session = await living(scene, 'cookie')
    const { jar } = session
    const [name = ''] = scene.cookieNames
    if (!/^__(?:Host|Secure)-/i.test(name))
      return skipped('the name has no prefix that a disguise could get around; see cookie-prefix')
    const value = jar.get(name) ?? ''
    const rest = new Map([...jar].filter(([other]) => other !== name))
    const swapped = name === name.toLowerCase() ? name.toUpperCase() : name.toLowerCase()
    const names: [string, string][] = [
      ['in other capitals', swapped],
      ['behind a no-break space', `\u00a0${name}`],
      ['behind a next-line character', `\u0085${name}`],
      ['behind a wide space', `\u00e2\u0080\u0080${name}`],
      ['with its first letter escaped', `%5F${name.slice(1)}`],
      ['in quotes', `"${name}"`],
    ]
    const disguises = names.map(([what, spelled]) => {
      return {
        what,
        headers: [
          cookieOf([`${spelled}=${value}`, cookieText(rest)].filter((part) => part !== '').join('; ')),
        ],
      }
    })
    const nameless = { what: 'as the value of a nameless one', headers: [cookieOf(`=${name}=${value}`)] }
    return tryAll(scene, session, [...disguises, nameless])
  },
}

const twoAuthorizations: Check = {
  id: 'authorization-doubled',
  sentence:
    'Of two Authorization headers one is believed, so a proxy and the target can take the request for different people.',
  severity: 'low',
  remedy: 'Answer 400 to a request with more than one Authorization header.',
  async run(scene) {
    const session = await living(scene, 'token')
    const [good] = credentialOf(session)
    const [bad] = credentialOf({ ...session, access: scene.tools.entropy.id() })
    if (good === undefined || bad === undefined) return skipped('there is no token to show')
    return tryAll(scene, session, [
      { what: 'the bad one last', headers: [good, bad] },
      { what: 'the bad one first', headers: [bad, good] },
      { what: 'joined by a comma', headers: [['Authorization', `${good[1]}, ${bad[1]}`]] },
      { what: 'joined by a comma, the bad one first', headers: [['Authorization', `${bad[1]}, ${good[1]}`]] },
    ])
  },
}

const fallBack: Check = {
  id: 'authorization-beside-cookie',
  sentence:
    'A request whose token is bad is accepted for the cookie beside it, so one request can be judged as two people.',
  severity: 'low',
  remedy: 'Where Authorization is present let it alone count, and refuse the request if it is bad.',
  async run(scene) {
    const { description } = scene
    if (description.cookie === null || description.token === null)
      return skipped(lacks(description.cookie === null ? 'cookie.sign_in' : 'token.sign_in'))
    // A route that reads no token cannot fall back from one.
    await living(scene, 'token')
    const session = await living(scene, 'cookie')
    const bad: Header = ['Authorization', `Bearer ${scene.tools.entropy.id()}`]
    return tryAll(scene, session, [
      {
        what: 'a bad token beside a good cookie',
        headers: [bad, cookieOf(cookieText(session.jar))],
      },
    ])
  },
}

export const parsingChecks: readonly Check[] = [twoCookies, bentName, twoAuthorizations, fallBack]
