import type { Framework } from './project.ts'

/** Texts for other people's programs, which is why these are no imports of ours. */
export const imported = (names: string, module: string) => `import { ${names} } from '${module}'`

export type Programmed = Exclude<Framework, 'next' | 'page'>

/** How a program of this framework is made; `lines` go into one that is there already. */
export type Parts = {
  /** What `auth` hands on. */
  readonly exported: string
  /** What a program imports of the framework, of `auth` and for this alone. */
  readonly make: string
  readonly uses: string
  readonly lines: string
  readonly program: string
}

/** Types, where the file is one of TypeScript. */
type Typed = (annotation: string) => string

const adapted = 'export const { serve, required, callerOf, callerOrNull } = adapt(auth)'
const uses = 'callerOf, callerOrNull, required, serve'

const express: Parts = {
  exported: adapted,
  make: `import express from 'express'`,
  uses,
  lines: `app.use(serve()) // before everything else, body parsers too
app.get('/me', required(), (request, response) => void response.json(callerOf(request)))`,
  program: `const app = express()
app.use(serve()) // before everything else, body parsers too
app.get('/', (request, response) => void response.send(page(callerOrNull(request))))
app.get('/me', required(), (request, response) => void response.json(callerOf(request)))
app.post('/notes', required(), express.urlencoded(), (request, response) => {
  keep(callerOf(request).account.id, request.body?.text)
  response.redirect(303, '/')
})
app.listen(port, '127.0.0.1').on('listening', ready)
`,
}

const fastify: Parts = {
  exported: adapted,
  make: `import Fastify from 'fastify'`,
  uses,
  lines: `app.decorateRequest('caller')
app.addHook('onRequest', serve()) // the first hook
app.get('/me', { onRequest: required() }, async (request) => callerOf(request))`,
  program: `const app = Fastify()
app.decorateRequest('caller')
app.addHook('onRequest', serve()) // the first hook
const form = 'application/x-www-form-urlencoded'
app.addContentTypeParser(form, { parseAs: 'string' }, (_, body, done) => done(null, body))
app.get('/', async (request, reply) => reply.type('text/html').send(page(callerOrNull(request))))
app.get('/me', { onRequest: required() }, async (request) => callerOf(request))
app.post('/notes', { onRequest: required() }, async (request, reply) => {
  keep(callerOf(request).account.id, new URLSearchParams(String(request.body)).get('text'))
  return reply.redirect('/', 303)
})
await app.listen({ port, host: '127.0.0.1' })
ready()
`,
}

const hono: Parts = {
  exported: adapted,
  make: `import { serve as listen } from '@hono/node-server'
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'`,
  uses,
  lines: `app.use(serve()) // before everything else
app.get('/me', required(), (c) => c.json(callerOf(c)))`,
  program: `const app = new Hono()
app.use(serve()) // before everything else
app.get('/', (c) => c.html(page(callerOrNull(c))))
app.get('/me', required(), (c) => c.json(callerOf(c)))
app.post('/notes', required(), bodyLimit({ maxSize: 10_000 }), async (c) => {
  keep(callerOf(c).account.id, new URLSearchParams(await c.req.text()).get('text'))
  return c.redirect('/', 303)
})
listen({ fetch: app.fetch, port, hostname: '127.0.0.1' }, ready)
`,
}

const node = (typed: Typed): Parts => ({
  exported: 'export const { serve, required, callerOrNull } = adapt(auth)',
  make: `${typed(`import type { IncomingMessage, ServerResponse } from 'node:http'\n`)}import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'`,
  uses: 'callerOrNull, required, serve',
  lines: `const me = required({}, (_, response, caller) => void response.end(JSON.stringify(caller)))
const server = createServer(
  serve((request, response) => {
    if (request.url === '/me') return me(request, response)
    response.writeHead(404).end()
  }),
)`,
  program: `const me = required({}, (_, response, caller) => void response.end(JSON.stringify(caller)))
const add = required({}, async (request${typed(': IncomingMessage')}, response${typed(': ServerResponse')}, caller) => {
  const length = Number(request.headers['content-length'])
  if (!(length <= 10_000)) return response.writeHead(413, { connection: 'close' }).end()
  // Whoever goes away in the middle of a body has sent none.
  const body = await text(request).catch(() => '')
  keep(caller.account.id, new URLSearchParams(body).get('text'))
  response.writeHead(303, { location: '/' }).end()
})
const server = createServer(
  serve((request, response) => {
    const route = \`\${request.method} \${request.url}\`
    if (route === 'GET /me') return me(request, response)
    if (route === 'POST /notes') return add(request, response)
    if (route !== 'GET /') return response.writeHead(404).end()
    response.setHeader('content-type', 'text/html; charset=utf-8')
    response.end(page(callerOrNull(request)))
  }),
)
server.listen(port, '127.0.0.1', ready)
`,
})

export function partsOf(framework: Programmed, typed: Typed): Parts {
  return { express, fastify, hono, node: node(typed) }[framework]
}

/** What the program is about, in a file that knows no framework. */
export function notesFile(typed: Typed): string {
  return `// What the application is about: everybody keeps notes. These are in memory; yours are in a database.
${typed(`${imported('type Caller', 'counterfoil')}\n\n`)}const notes${typed(': { who: string; text: string }[]')} = []

/** Beside whatever is somebody's goes the id of their account, from the caller and never from a body. */
export function keep(who${typed(': string')}, text${typed(': unknown')}) {
  if (typeof text === 'string' && text !== '') notes.push({ who, text: text.slice(0, 500) })
}

/** The one page. Whoever acts for somebody else sees what nobody sees. */
export function page(caller${typed(': Caller | null')}) {
  if (caller === null || caller.actor !== null)
    return layout('<p><a href="/sign-up">Sign up</a> or <a href="/sign-in?next=/">sign in</a></p>')
  const mine = notes.filter(({ who }) => who === caller.account.id)
  return layout(\`
<form method="post" action="/notes"><input name="text" required maxlength="500"> <button>Keep</button></form>
<ul>\${mine.map(({ text }) => \`<li>\${escaped(text)}</li>\`).join('')}</ul>
<form method="post" action="/sign-out"><button>Sign out \${escaped(caller.account.email ?? '')}</button></form>
<p><a href="/account">Your account</a></p>\`)
}

const layout = (body${typed(': string')}) =>
  \`<!doctype html><html lang="en"><meta charset="utf-8"><title>Notes</title><h1>Notes</h1>\${body}</html>\`

const escaped = (text${typed(': string')}) => text.replace(/[&<>"']/g, (mark) => \`&#\${mark.charCodeAt(0)};\`)
`
}
