import type { Framework, Project } from './project.ts'

/** Files that `init` writes, by path, and the lines for a program that is there already. */
export type Starter = { readonly files: Readonly<Record<string, string>>; readonly lines: string }

const port = 'process.env.PORT ?? 3000'
export const imported = (names: string, module: string) => `import { ${names} } from '${module}'`

/** The server itself, for whichever framework; with nothing set it is in development. */
function authFile(given: { adapter: Framework; imports: string; exported: string }): string {
  return `// Who is asking, and the server that knows. Made by \`counterfoil init\`; it is yours from here on.
import { readFileSync } from 'node:fs'
${imported('createAuth', 'counterfoil')}
${imported('adapt', `counterfoil/${given.adapter}`)}
${given.imports}
const { COUNTERFOIL_ISSUER, COUNTERFOIL_DATABASE, COUNTERFOIL_SECRET_FILE } = process.env
const { COUNTERFOIL_SMTP: smtp, COUNTERFOIL_MAIL_FROM: from } = process.env

export const auth = await createAuth({
  // The origin that browsers use: https, and with mail, anywhere but on localhost.
  issuer: COUNTERFOIL_ISSUER ?? \`http://localhost:\${${port}}\`,
  database: COUNTERFOIL_DATABASE ?? 'sqlite:data/counterfoil.db',
  secret: readFileSync(COUNTERFOIL_SECRET_FILE ?? 'data/secret', 'utf8'),
  ...(smtp && from ? { mail: { smtp, from } } : {}),
})

${given.exported}
`
}

const adapted = 'export const { serve, required, callerOf } = adapt(auth)'

/** What a program of this framework imports, how it puts the server first, and a route that asks who is calling. */
const parts = {
  express: {
    exported: adapted,
    uses: 'callerOf, required, serve',
    make: `import express from 'express'`,
    app: 'const app = express()',
    first: 'app.use(serve()) // before everything else, body parsers too',
    route: `app.get('/me', required(), (request, response) => void response.json(callerOf(request)))`,
    listen: `app.listen(port, '127.0.0.1', ready)`,
  },
  fastify: {
    exported: adapted,
    uses: 'callerOf, required, serve',
    make: `import Fastify from 'fastify'`,
    app: 'const app = Fastify()',
    first: `app.decorateRequest('caller')\napp.addHook('onRequest', serve()) // the first hook`,
    route: `app.get('/me', { onRequest: required() }, async (request) => callerOf(request))`,
    listen: `await app.listen({ port, host: '127.0.0.1' })\nready()`,
  },
  hono: {
    exported: adapted,
    uses: 'callerOf, required, serve',
    make: `import { serve as listen } from '@hono/node-server'\nimport { Hono } from 'hono'`,
    app: 'const app = new Hono()',
    first: 'app.use(serve()) // before everything else',
    route: `app.get('/me', required(), (c) => c.json(callerOf(c)))`,
    listen: `listen({ fetch: app.fetch, port, hostname: '127.0.0.1' }, ready)`,
  },
  node: {
    exported: 'export const { serve, required } = adapt(auth)',
    uses: 'required, serve',
    make: `import { createServer } from 'node:http'`,
    app: `const me = required({}, (_, response, caller) => void response.end(JSON.stringify(caller)))`,
    first: `const server = createServer(\n  serve((request, response) => {\n    if (request.url === '/me') return me(request, response)\n    response.writeHead(404).end()\n  }),\n)`,
    route: null,
    listen: `server.listen(port, '127.0.0.1', ready)`,
  },
} as const

function forProgram(project: Project, framework: keyof typeof parts): Starter {
  const { extension, importExtension, sources } = project
  const { exported, uses, make, app, first, route, listen } = parts[framework]
  const authPath = `${sources}auth.${extension}`
  const auth = authFile({ adapter: framework, imports: '', exported })
  const own = imported(uses, `./auth.${importExtension}`)
  // Whoever requires cannot require this: it waits for the database.
  const asked = `const { ${uses} } = await import('./auth.${importExtension}') // in an async function`
  const needed = project.program?.isModule === false ? asked : own
  const work = route === null ? `${app}\n${first}` : `${app}\n${first}\n${route}`
  const program = `${make}\n${own}\n\nconst port = Number(${port})\nconst ready = () => console.log(\`listening on http://localhost:\${port}\`)\n\n${work}\n${listen}\n`
  const lines = route === null ? `${needed}\n${work}` : `${needed}\n${first}\n${route}`
  if (project.program !== null) return { files: { [authPath]: auth }, lines }
  return { files: { [authPath]: auth, [`${sources}server.${extension}`]: program }, lines }
}

function forNext({ extension, sources }: Project, isAppInSources: boolean): Starter {
  const letters = extension.replace('m', '')
  const base = isAppInSources ? sources : ''
  const type = letters === 'ts' ? ': Request' : ''
  const auth = authFile({
    adapter: 'next',
    imports: `import { headers } from 'next/headers'\n`,
    exported: 'export const { serve, proxy, required, action, caller } = adapt(auth, { headers })',
  })
  const served = (up: string) =>
    `import { serve } from '${up}counterfoil'\n\nexport const { GET, POST, DELETE } = serve()\n`
  return {
    files: {
      [`${base}app/counterfoil.${letters}`]: auth,
      [`${base}app/auth/[...path]/route.${letters}`]: served('../../'),
      [`${base}app/oauth/[...path]/route.${letters}`]: served('../../'),
      [`${base}app/dev/mail/route.${letters}`]: served('../../'),
      [`${base}proxy.${letters}`]: `import { NextResponse } from 'next/server'
import { proxy as guard } from './app/counterfoil'

/** Refuses forged requests to routes and actions that asked for nothing. */
export const proxy = (request${type}) => guard(request) ?? NextResponse.next()
`,
    },
    lines: `import { caller } from './counterfoil'\n\nconst who = await caller() // in a page: who is signed in, or null`,
  }
}

export function starterFor(project: Project, given: { isAppInSources: boolean }): Starter {
  if (project.framework === 'page') return { files: {}, lines: '' }
  if (project.framework === 'next') return forNext(project, given.isAppInSources)
  return forProgram(project, project.framework)
}
