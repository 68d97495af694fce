import { ada, mallory } from '../people.ts'

export type Target = 'ours' | 'textbook'
export const targets: readonly Target[] = ['textbook', 'ours']

/** What the attacker's page makes the browser do. `attacker.js` knows how; where to is said here. */
export type Shot =
  | {
      how: 'form'
      url: string
      type: string
      fields: [string, string][]
      into: 'frame' | 'window' | 'sandbox'
    }
  | { how: 'fetch'; url: string; mode: RequestMode; type: string | null; fields: [string, string][] | null }
  | { how: 'image' | 'link' | 'socket'; url: string }

/** What an attacker builds on. */
export const groups = {
  cookie: 'The browser sends your cookie by itself',
  token: 'Whoever holds your token is you',
  self: 'Not your money, but you',
} as const

/** What the attacker is after, and so what a bank has lost where it falls. */
export type Stake = 'money' | 'secret' | 'sign_out' | 'sign_in' | 'password'

export type Forgery = {
  id: string
  group: keyof typeof groups
  name: string
  tries: string
  stake: Stake
  /** The path that is attacked, at each bank. */
  path: Record<Target, string>
  /** `null`: the attacker needs no browser for it, only what it has taken. */
  shot: ((url: string, target: Target) => Shot) | null
  /** Opens a window, which browsers allow for one press at a time. */
  opensWindow?: true
}

export const loot = '40'
/** Every payment of the attacker begins its note with this: that is how the books tell it from one of Ada's own. */
export const forgedNote = 'forged'
export const chosenPassword = 'chosen by the attacker'
const order: [string, string][] = [
  ['to', mallory.email],
  ['amount', loot],
  ['note', forgedNote],
]
const urlencoded = 'application/x-www-form-urlencoded'
const payments = { ours: '/payments', textbook: '/payments' }
const inQuery = (url: string, more: [string, string][] = []) =>
  `${url}?${new URLSearchParams([...order, ...more])}`

const form =
  (into: 'frame' | 'window' | 'sandbox', type = urlencoded) =>
  (url: string) =>
    ({ how: 'form', url, type, fields: type === 'text/plain' ? asJson(order) : order, into }) as const

/** A form of type text/plain writes `name=value`; cut in the right place, that is JSON. */
function asJson(fields: [string, string][]): [string, string][] {
  const json = JSON.stringify({ ...Object.fromEntries(fields), rest: '=' })
  const [name = '', value = ''] = json.split(/=(?="}$)/)
  return [[name, value]]
}

export const forgeries: readonly Forgery[] = [
  {
    id: 'hidden-form',
    group: 'cookie',
    name: 'A form in a hidden frame',
    tries: 'You open this page, and a form that you never see pays Mallory. The browser adds your cookie.',
    stake: 'money',
    path: payments,
    shot: form('frame'),
  },
  {
    id: 'window-form',
    group: 'cookie',
    name: 'A form in a window of its own',
    tries: 'The same in the whole window, where browsers that block cookies in frames still send them.',
    stake: 'money',
    path: payments,
    shot: form('window'),
    opensWindow: true,
  },
  {
    id: 'sandboxed-form',
    group: 'cookie',
    name: 'A form in a sandbox',
    tries:
      'A sandboxed frame has the origin “null”. Some servers take that for “no origin, so not a browser”.',
    stake: 'money',
    path: payments,
    shot: form('sandbox'),
  },
  {
    id: 'plain-form',
    group: 'cookie',
    name: 'JSON in a plain-text form',
    tries: '“We take only JSON” is no wall: a form of type text/plain can spell it.',
    stake: 'money',
    path: payments,
    shot: form('frame', 'text/plain'),
  },
  {
    id: 'no-cors',
    group: 'cookie',
    name: 'Script that does not ask for CORS',
    tries: 'fetch with mode “no-cors” cannot read the answer. A payment needs none.',
    stake: 'money',
    path: payments,
    shot: (url) => ({ how: 'fetch', url, mode: 'no-cors', type: 'text/plain', fields: order }),
  },
  {
    id: 'multipart',
    group: 'cookie',
    name: 'Script that uploads',
    tries: 'The same as a multipart form, another type that needs no permission.',
    stake: 'money',
    path: payments,
    shot: (url) => ({ how: 'fetch', url, mode: 'no-cors', type: 'multipart/form-data', fields: order }),
  },
  {
    id: 'cors',
    group: 'cookie',
    name: 'Script with credentials',
    tries: 'A real JSON request with your cookie. The browser asks the bank first whether this site may.',
    stake: 'money',
    path: payments,
    shot: (url) => ({ how: 'fetch', url, mode: 'cors', type: 'application/json', fields: order }),
  },
  {
    id: 'image',
    group: 'cookie',
    name: 'An image that pays',
    tries: 'The address of a payment as the source of an image.',
    stake: 'money',
    path: payments,
    shot: (url) => ({ how: 'image', url: inQuery(url) }),
  },
  {
    id: 'method',
    group: 'cookie',
    name: 'A link that says it is a POST',
    tries: 'Following a link brings the cookie even with SameSite=Lax; “_method=POST” does the rest.',
    stake: 'money',
    path: payments,
    shot: (url) => ({ how: 'link', url: inQuery(url, [['_method', 'POST']]) }),
    opensWindow: true,
  },
  {
    id: 'read',
    group: 'self',
    name: 'Reading your balance',
    tries: 'Nothing is changed: the attacker only wants to know how much there is.',
    stake: 'secret',
    path: { ours: '/balance', textbook: '/balance' },
    shot: (url) => ({ how: 'fetch', url, mode: 'cors', type: null, fields: null }),
  },
  {
    id: 'socket',
    group: 'self',
    name: 'A WebSocket of your bank',
    tries: 'WebSockets know no CORS: any site may open one, and the cookie goes along.',
    stake: 'secret',
    path: { ours: '/live', textbook: '/live' },
    shot: (url) => ({ how: 'socket', url: url.replace('http:', 'ws:') }),
  },
  {
    id: 'note',
    group: 'token',
    name: 'Script in the note of a payment',
    tries:
      'Mallory pays you a cent. The note is HTML: in your bank’s page it takes the token out of storage, and Mallory uses it elsewhere.',
    stake: 'money',
    path: { ours: '/', textbook: '/modern' },
    shot: (url) => ({ how: 'link', url }),
    opensWindow: true,
  },
  {
    id: 'copy',
    group: 'token',
    name: 'A copy of your token',
    tries: 'Mallory has read your access token, somewhere on its way, and uses it from a machine of her own.',
    stake: 'money',
    path: payments,
    shot: null,
  },
  {
    id: 'replay',
    group: 'token',
    name: 'A token, after you signed out',
    tries: 'A copy of your access token was in a log. You have signed out, and Mallory tries it.',
    stake: 'money',
    path: payments,
    shot: null,
  },
  {
    id: 'unsigned',
    group: 'token',
    name: 'A token that nobody signed',
    tries: 'Mallory writes a token with your name; its header says that it needs no signature.',
    stake: 'money',
    path: payments,
    shot: null,
  },
  {
    id: 'password',
    group: 'self',
    name: 'Another password',
    tries: 'A form sets a password that Mallory knows.',
    stake: 'password',
    path: { ours: '/auth/password/change', textbook: '/password/change' },
    shot: (url) => {
      const fields = asJson([
        ['current', ada.password],
        ['new', chosenPassword],
      ])
      return { how: 'form', url, type: 'text/plain', fields, into: 'frame' }
    },
  },
  {
    id: 'login',
    group: 'self',
    name: 'Signing you in as Mallory',
    tries: 'You go on without noticing, and what you enter from now on is in Mallory’s account.',
    stake: 'sign_in',
    path: { ours: '/sign-in', textbook: '/sign-in' },
    shot: (url) => {
      const { email, password } = mallory
      return {
        how: 'form',
        url,
        type: urlencoded,
        fields: Object.entries({ email, password }),
        into: 'frame',
      }
    },
  },
  {
    id: 'sign-out',
    group: 'self',
    name: 'Signing you out',
    tries: 'A nuisance, and a first step: you will sign in again where the attacker wants you to.',
    stake: 'sign_out',
    path: { ours: '/auth/sign-out', textbook: '/sign-out' },
    shot: (url) => ({ how: 'form', url, type: urlencoded, fields: [], into: 'frame' }),
  },
]
