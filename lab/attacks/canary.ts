import { inspect } from 'node:util'

/** A secret that was planted, and everything by which it would be recognised. */
export type Canary = { what: string; forms: readonly string[] }

const enough = 12

/** Text in the spellings in which it could travel. */
export function textCanary(what: string, value: string): Canary {
  const bytes = Buffer.from(value)
  const forms = [
    value,
    encodeURIComponent(value),
    new URLSearchParams({ value }).toString().slice('value='.length),
    JSON.stringify(value).slice(1, -1),
  ]
  return {
    what,
    forms: [...new Set([...forms, ...encodings(bytes)])].filter((form) => form.length >= enough),
  }
}

/** Bytes in the spellings in which they could travel, those of `JSON.stringify` and `inspect` included. */
export function bytesCanary(what: string, bytes: Uint8Array): Canary {
  const inspected = inspect(Buffer.from(bytes)).slice('<Buffer '.length, -1)
  return { what, forms: [...encodings(bytes), [...bytes].join(','), [...bytes].join(', '), inspected] }
}

function encodings(bytes: Uint8Array): string[] {
  const buffer = Buffer.from(bytes)
  const base64 = buffer.toString('base64').replace(/=+$/, '')
  return [
    buffer.toString('base64url'),
    base64,
    buffer.toString('hex'),
    buffer.toString('hex').toUpperCase(),
    buffer.toString('latin1'),
  ]
}

/** Sealed values begin with an id that the database may hold: it is what follows that opens something. */
export function sealedCanary(what: string, value: string, secretFrom: number): Canary {
  const secret = Buffer.from(value.replace(/^cfr_/, ''), 'base64url').subarray(secretFrom)
  return { what, forms: [value, ...encodings(secret)] }
}

export function tokenCanary(what: string, token: string): Canary {
  const signature = token.split('.')[2] ?? ''
  return { what, forms: [token, signature, encodeURIComponent(token)] }
}

/** Which secrets stand in a text, and around where. */
export function findCanaries(text: string, canaries: readonly Canary[]): string[] {
  return canaries.flatMap(({ what, forms }) => {
    const form = forms.find((one) => text.includes(one))
    if (form === undefined) return []
    const at = text.indexOf(form)
    return [`${what} after ${JSON.stringify(text.slice(Math.max(0, at - 60), at))}`]
  })
}
