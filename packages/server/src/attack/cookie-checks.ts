import { accepted, type Check, type Outcome, refused, skipped } from './check.ts'
import type { ReceivedCookie } from './received-cookies.ts'
import { noCookie, type Scene } from './scene.ts'

type Rule = {
  id: string
  sentence: string
  severity: Check['severity']
  remedy: string
  fault: (cookie: ReceivedCookie) => string | null
}

const rules: readonly Rule[] = [
  {
    id: 'cookie-secure',
    sentence: 'The session cookie is sent without TLS as well.',
    severity: 'medium',
    remedy: 'Set Secure; browsers honour it on http://localhost too.',
    fault: ({ attributes }) => (attributes.has('secure') ? null : 'has no Secure'),
  },
  {
    id: 'cookie-httponly',
    sentence: 'Script in the page can read the session cookie.',
    severity: 'medium',
    remedy: 'Set HttpOnly.',
    fault: ({ attributes }) => (attributes.has('httponly') ? null : 'has no HttpOnly'),
  },
  {
    id: 'cookie-samesite',
    sentence: 'Browsers are not told to keep the session cookie from requests of other sites.',
    severity: 'low',
    remedy: 'Set SameSite=Lax or Strict; without it browsers differ.',
    fault: ({ attributes }) =>
      /^(?:lax|strict)$/i.test(attributes.get('samesite') ?? '') ? null : 'has no SameSite of Lax or Strict',
  },
  {
    id: 'cookie-domain',
    sentence: 'The session cookie goes to every subdomain.',
    severity: 'medium',
    remedy: 'Leave Domain out.',
    fault: ({ attributes }) => ((attributes.get('domain') ?? '') === '' ? null : 'has a Domain'),
  },
  {
    id: 'cookie-prefix',
    sentence: 'A sibling subdomain, or somebody on the way, can plant a session cookie of the same name.',
    severity: 'low',
    remedy:
      'Begin the name with __Host-, or __Host-Http-; then browsers take it from this host over TLS alone.',
    fault: ({ name }) => (/^__Host-/.test(name) ? null : 'has no __Host- name'),
  },
]

const cookieCheck = ({ fault, ...rule }: Rule): Check => ({
  ...rule,
  async run(scene) {
    return judge(scene, fault)
  },
})

function judge(scene: Scene, fault: Rule['fault']): Outcome {
  const cookies = scene.shared.get('session cookies') as readonly ReceivedCookie[] | undefined
  if (cookies === undefined || cookies.length === 0) return skipped(noCookie(scene))
  const faults = cookies.flatMap((cookie) => {
    const found = fault(cookie)
    return found === null ? [] : [`${cookie.name} ${found}`]
  })
  return faults.length > 0 ? accepted(faults.join(', ')) : refused(cookies.map(({ name }) => name).join(', '))
}

export const cookieChecks: readonly Check[] = rules.map(cookieCheck)
