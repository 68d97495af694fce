import type { Transport } from '../machine.ts'

const milliseconds = {
  dnsTimeout: 5_000,
  connectionTimeout: 10_000,
  greetingTimeout: 10_000,
  socketTimeout: 20_000,
}

/** One address and nothing that could be read as a second one, a name or a header. */
const singleAddress = /^[^\s@,;:<>()[\]\\"]{1,64}@[^\s@,;:<>()[\]\\"]{1,255}$/

/**
 * Sends through `smtp://user:password@host:port` or `smtps://…`. Off this machine the connection must be encrypted,
 * since the links in our mails open accounts; a relay on a trusted network that cannot do so takes `?tls=off`.
 */
export function createSmtpTransport(given: { url: string; from: string }): Transport & { close(): void } {
  checkSender(given.from)
  const options = {
    ...connectionOf(given.url),
    ...milliseconds,
    pool: true,
    maxConnections: 5,
    disableFileAccess: true,
    disableUrlAccess: true,
  } as const
  // Loaded with the first mail: most starts are over before there is one.
  const connect = async () => (await import('nodemailer')).default.createTransport(options)
  let transporter: ReturnType<typeof connect> | null = null
  return {
    async send({ to, subject, text, html }) {
      if (!singleAddress.test(to)) throw new Error('Mail is only sent to a single plain address.')
      transporter ??= connect()
      await (await transporter).sendMail({
        from: given.from,
        // An object is taken as it is; a string would be parsed, and could turn out to be several recipients.
        to: { name: '', address: to },
        subject,
        text,
        html,
        // RFC 3834: keeps holiday notices from answering.
        headers: { 'Auto-Submitted': 'auto-generated' },
      })
    },
    // Whoever sent has heard of a mailer that could not be loaded.
    close: () =>
      void transporter?.then(
        (opened) => opened.close(),
        () => undefined,
      ),
  }
}

/** A sender that is none is found at the start: afterwards each mail would fail, and nobody could sign up. */
function checkSender(from: string): void {
  const address = /<([^<>]*)>$/.exec(from)?.[1] ?? from
  if (singleAddress.test(address)) return
  throw new Error(
    `The address that mail comes from (COUNTERFOIL_MAIL_FROM) is "${from}". Give one address, such as no-reply@auth.example.`,
  )
}

function connectionOf(text: string) {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || (url.protocol !== 'smtp:' && url.protocol !== 'smtps:') || url.hostname === '') {
    // The text may hold a password, so it is not repeated here.
    throw new Error(
      'The mail server must be given as smtp://user:password@host:587 or smtps://user:password@host:465.',
    )
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const secure = url.protocol === 'smtps:'
  const port = url.port === '' ? (secure ? 465 : 587) : Number(url.port)
  const requireTLS = !secure && !isLoopback(host) && url.searchParams.get('tls') !== 'off'
  const user = decodeURIComponent(url.username)
  const auth = user === '' ? {} : { auth: { user, pass: decodeURIComponent(url.password) } }
  return { host, port, secure, requireTLS, ...auth }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host)
}
