export type ClientOptions = {
  /** The server's bare origin; the page's own, if left out. */
  readonly issuer?: string
  /**
   * `cookie`: the browser carries the session and script cannot see it; the page has to be of the issuer's own origin.
   * `token`: tokens that are bound to a key of this browser, for pages of another origin.
   */
  readonly carrier: 'cookie' | 'token'
  /**
   * Other services that requests may be sent to with a bound token, such as `https://api.example`. By cookie each gets
   * one that is made for it, and has to be in the server's policy `audiences`; by token it is the session's own.
   */
  readonly audiences?: readonly string[]
}

const known = ['issuer', 'carrier', 'audiences']

/** Throws a `TypeError` for whatever could be meant otherwise than it would be taken. */
export function readOptions(given: ClientOptions): ClientOptions {
  for (const name of Object.keys(given)) {
    if (!known.includes(name))
      throw new TypeError(
        `There is no option "${name}". Tokens are never kept in localStorage; nothing switches that on.`,
      )
  }
  const { issuer, carrier, audiences = [] } = given
  if (carrier !== 'cookie' && carrier !== 'token')
    throw new TypeError('Say which carrier: "cookie" or "token".')
  for (const audience of audiences) {
    if (!URL.canParse(audience) || new URL(audience).origin === 'null')
      throw new TypeError(`The audience "${audience}" is not an address.`)
  }
  if (issuer !== undefined && (!URL.canParse(issuer) || new URL(issuer).origin !== issuer))
    throw new TypeError('The issuer is a bare origin such as https://auth.example, without a final slash.')
  return given
}
