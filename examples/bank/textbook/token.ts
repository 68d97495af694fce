import { createHmac } from 'node:crypto'

const lifeSeconds = 24 * 60 * 60
const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
const decode = (part = '') => JSON.parse(Buffer.from(part, 'base64url').toString())
const signatureOf = (text: string, secret: string) =>
  createHmac('sha256', secret).update(text).digest('base64url')

/** A day is long, but who wants to sign in twice. */
export function signToken(name: string, secret: string): string {
  const exp = Math.floor(Date.now() / 1000) + lifeSeconds
  const text = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode({ sub: name, exp })}`
  return `${text}.${signatureOf(text, secret)}`
}

/** Whose token this is. It believes what the token says about its own signature, as libraries once did. */
export function readToken(token: string, secret: string): string | null {
  try {
    const [head, body, signature] = token.split('.')
    const { alg } = decode(head)
    const { sub, exp } = decode(body)
    const isSigned = alg === 'none' || signature === signatureOf(`${head}.${body}`, secret)
    return isSigned && exp > Date.now() / 1000 ? String(sub) : null
  } catch {
    return null
  }
}
