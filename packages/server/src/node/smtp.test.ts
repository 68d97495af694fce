import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { createSmtpTransport } from './smtp.ts'

type Received = { from: string; to: string[]; text: string; user: string | null }

const cleanUps: (() => void)[] = []
after(() => cleanUps.forEach((cleanUp) => void cleanUp()))

async function relay(options: SMTPServerOptions = {}) {
  const received: Received[] = []
  const server = new SMTPServer({
    disabledCommands: ['STARTTLS'],
    authOptional: true,
    logger: false,
    onData(stream, session, done) {
      let text = ''
      stream.on('data', (chunk: Buffer) => {
        text += chunk.toString('latin1')
      })
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope
        received.push({
          from: mailFrom ? mailFrom.address : '',
          to: rcptTo.map((recipient) => recipient.address),
          text,
          user: session.user ?? null,
        })
        done()
      })
    },
    ...options,
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanUps.push(() => server.close(() => {}))
  const bound = server.server.address()
  assert.ok(bound !== null && typeof bound === 'object')
  return { received, port: bound.port }
}

function sender(url: string) {
  const transport = createSmtpTransport({ url, from: 'The Bank <no-reply@bank.example>' })
  cleanUps.push(() => transport.close())
  return transport
}

const letter = { to: 'ann@example.com', subject: 'Grüße', text: 'plain text\n', html: '<p>html</p>' }

test('a mail arrives with one recipient, both bodies, and a mark that no person wrote it', async () => {
  const { received, port } = await relay()
  await sender(`smtp://127.0.0.1:${port}`).send(letter)
  const [mail] = received
  assert.deepEqual([mail?.from, mail?.to], ['no-reply@bank.example', ['ann@example.com']])
  const text = mail?.text ?? ''
  assert.match(text, /^To: ann@example\.com\r?$/m)
  assert.match(text, /^From: The Bank <no-reply@bank\.example>\r?$/m)
  assert.match(text, /^Auto-Submitted: auto-generated\r?$/m)
  assert.match(text, /plain text/)
  assert.match(text, /<p>html<\/p>/)
  assert.equal(received.length, 1)
})

test('the name and the password of the address are used', async () => {
  const { received, port } = await relay({
    authOptional: false,
    allowInsecureAuth: true,
    onAuth: ({ username, password }, _session, done) =>
      done(null, password === 'p@ss' ? { user: username ?? '' } : {}),
  })
  await sender(`smtp://ann%40x:p%40ss@127.0.0.1:${port}`).send(letter)
  assert.equal(received[0]?.user, 'ann@x')
  await assert.rejects(sender(`smtp://ann:wrong@127.0.0.1:${port}`).send(letter), /Invalid login|535/)
})

const notOneAddress = [
  '',
  'ann',
  'ann@example.com, eve@evil.example',
  'ann@example.com;eve@evil.example',
  'ann@example.com eve@evil.example',
  'Ann <ann@example.com>',
  '<ann@example.com>',
  'ann@example.com\r\nBcc: eve@evil.example',
  'ann@example.com\n',
  'ann@evil.example@example.com',
  '"ann"@example.com',
  'team:ann@example.com;',
  `${'a'.repeat(65)}@example.com`,
]

test('what is not one plain address is not sent at all', async () => {
  const { received, port } = await relay()
  const transport = sender(`smtp://127.0.0.1:${port}`)
  for (const to of notOneAddress)
    await assert.rejects(transport.send({ ...letter, to }), /single plain address/)
  assert.equal(received.length, 0)
})

test('a subject with a line break does not become a header', async () => {
  const { received, port } = await relay()
  await sender(`smtp://127.0.0.1:${port}`).send({ ...letter, subject: 'Hello\r\nBcc: eve@evil.example' })
  assert.deepEqual(received[0]?.to, ['ann@example.com'])
  assert.doesNotMatch(received[0]?.text ?? '', /^Bcc:/im)
})

test('off this machine nothing is sent without encryption, unless the operator says so', async () => {
  const { received, port } = await relay()
  // It leads here, but only loopback names are taken for this machine.
  await assert.rejects(sender(`smtp://0.0.0.0:${port}`).send(letter), /TLS/i)
  assert.equal(received.length, 0)
  await sender(`smtp://0.0.0.0:${port}?tls=off`).send(letter)
  assert.equal(received.length, 1)
})

test('a relay that refuses is an error, so that the outbox tries again', async () => {
  const { port } = await relay({ onRcptTo: (_address, _session, done) => done(new Error('mailbox full')) })
  await assert.rejects(sender(`smtp://127.0.0.1:${port}`).send(letter), /mailbox full/)
  const { port: closed } = await relay()
  cleanUps.at(-1)?.()
  await new Promise((resolve) => setImmediate(resolve))
  await assert.rejects(sender(`smtp://127.0.0.1:${closed}`).send(letter), /ECONNREFUSED/)
})

test('an address that is no mail server is an error that does not repeat its password', () => {
  for (const url of ['', 'localhost:25', 'http://u:hunter2@host', 'smtp:', 'smtp://']) {
    assert.throws(
      () => sender(url),
      (error: Error) => /smtp:\/\/user/.test(error.message) && !/hunter2/.test(error.message),
    )
  }
})

for (const from of ['', 'nope', 'a@b.example, c@d.example', 'The Bank <nope>', 'The Bank a@b.example']) {
  test(`a sender that is not one address is refused before any mail: "${from}"`, () => {
    const make = () => createSmtpTransport({ url: 'smtp://127.0.0.1:1', from })
    assert.throws(make, /COUNTERFOIL_MAIL_FROM/)
  })
}
