import { type Answer, headersNamed } from './wire.ts'

/** A cookie as a target sets it; attributes by lower-case name, an empty text where they have no value. */
export type ReceivedCookie = { name: string; value: string; attributes: ReadonlyMap<string, string> }

const most = 50

/** As browsers read them (RFC 6265 5.2); what has no name is none. */
export function receivedCookies(answer: Answer): ReceivedCookie[] {
  return headersNamed(answer, 'set-cookie')
    .slice(0, most)
    .flatMap((line) => {
      const cookie = parseReceived(line)
      return cookie === null ? [] : [cookie]
    })
}

export function parseReceived(line: string): ReceivedCookie | null {
  const [pair = '', ...rest] = line.split(';')
  const at = pair.indexOf('=')
  const name = trimmed(pair.slice(0, Math.max(at, 0)))
  if (at < 0 || name === '') return null
  const attributes = new Map<string, string>()
  for (const part of rest) {
    const [key = '', value = ''] = splitOnce(part)
    if (trimmed(key) !== '') attributes.set(trimmed(key).toLowerCase(), trimmed(value))
  }
  return { name, value: trimmed(pair.slice(at + 1)), attributes }
}

/** What the jar holds after the answer: set, replaced, or taken out. */
export function keepCookies(jar: Map<string, string>, cookies: readonly ReceivedCookie[]): void {
  for (const { name, value, attributes } of cookies) {
    const age = attributes.get('max-age')
    const until = attributes.get('expires')
    // Whoever clears a cookie dates it back to the beginning of time, or to a negative age.
    const isOver =
      age === undefined
        ? until !== undefined && /\b19[67]\d\b/.test(until)
        : /^-?\d{1,15}$/.test(age) && Number(age) <= 0
    if (isOver || value === '') jar.delete(name)
    else if (jar.has(name) || jar.size < most) jar.set(name, value)
  }
}

export function cookieText(jar: ReadonlyMap<string, string>): string {
  return [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
}

function trimmed(text: string): string {
  const isBlank = (at: number) => text[at] === ' ' || text[at] === '\t'
  let start = 0
  let end = text.length
  while (start < end && isBlank(start)) start += 1
  while (end > start && isBlank(end - 1)) end -= 1
  return text.slice(start, end)
}

function splitOnce(text: string): [string, string] {
  const at = text.indexOf('=')
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}
