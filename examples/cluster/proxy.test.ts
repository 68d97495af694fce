import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import { after, test } from 'node:test'
import { startProxy } from './proxy.ts'

const closers: (() => void)[] = []
after(() => {
  for (const close of closers) close()
})

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => server.close().closeAllConnections())
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  return address.port
}

async function proxyTo(...ports: number[]): Promise<string> {
  const proxy = await startProxy(0)
  closers.push(proxy.close)
  proxy.use(ports)
  return `http://127.0.0.1:${proxy.port}`
}

/** A port on which nobody listens any more. */
async function deadPort(): Promise<number> {
  const port = await serve(() => {})
  closers.pop()?.()
  return port
}

test('requests go round; cookies, repeated headers and the address of the sender arrive', async () => {
  const echo = (name: string) =>
    serve((incoming, outgoing) => {
      outgoing.setHeader('set-cookie', ['x=1', 'y=2'])
      outgoing.end(JSON.stringify({ name, url: incoming.url, headers: incoming.headers }))
    })
  const url = await proxyTo(await echo('a'), await echo('b'))
  const seen: string[] = []
  for (let count = 0; count < 4; count++) {
    const answer = await fetch(`${url}/x?y=1`, { headers: { cookie: 'k=v', 'x-forwarded-for': '192.0.2.1' } })
    assert.deepEqual(answer.headers.getSetCookie(), ['x=1', 'y=2'])
    const { name, url: path, headers } = await answer.json()
    assert.deepEqual(
      [path, headers.cookie, headers['x-forwarded-for']],
      ['/x?y=1', 'k=v', '192.0.2.1, 127.0.0.1'],
    )
    seen.push(name)
  }
  assert.deepEqual(seen, ['a', 'b', 'a', 'b'])
})

test('a stream arrives piece by piece, and whoever leaves it ends it behind the proxy too', {
  timeout: 20_000,
}, async () => {
  let left = () => {}
  const ended = new Promise<void>((resolve) => {
    left = resolve
  })
  let more = () => {}
  const port = await serve((_, outgoing) => {
    outgoing.on('close', left)
    outgoing.writeHead(200, { 'content-type': 'text/event-stream' })
    outgoing.write('one')
    more = () => outgoing.write('two')
  })
  const leaving = new AbortController()
  const answer = await fetch(await proxyTo(port), { signal: leaving.signal })
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
  assert.equal((await reader?.read())?.value, 'one')
  more()
  assert.equal((await reader?.read())?.value, 'two')
  leaving.abort()
  await ended
})

test('a node that is gone is passed over, with the body of the request; where all are gone it is 502', async () => {
  const port = await serve(async (incoming, outgoing) => {
    let size = 0
    for await (const chunk of incoming) size += chunk.length
    outgoing.end(String(size))
  })
  const dead = await deadPort()
  const url = await proxyTo(dead, port)
  const body = 'x'.repeat(300_000)
  for (let count = 0; count < 4; count++)
    assert.equal(await (await fetch(url, { method: 'POST', body })).text(), '300000')
  assert.equal((await fetch(await proxyTo(dead), { method: 'POST', body })).status, 502)
})
