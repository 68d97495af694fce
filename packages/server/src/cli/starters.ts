import { imported, notesFile, type Programmed, partsOf } from './programs.ts'
import type { Framework, Project } from './project.ts'

/** Files that `init` writes, by path, and the lines for a program that is there already. */
export type Starter = {
  readonly files: Readonly<Record<string, string>>
  readonly lines: string
  /** What to add to a configuration that is there already. */
  readonly setting?: string
}

const port = 'process.env.PORT ?? 3000'

const made =
  '// Who is asking, and the server that knows. Made by `counterfoil init`; it is yours from here on.'

/** The server itself, for whichever framework; with nothing set it is in development. */
function authFile(given: { adapter: Framework; exported: string }): string {
  return `${made}
import { readFileSync } from 'node:fs'
${imported('createAuth', 'counterfoil')}
${imported('adapt', `counterfoil/${given.adapter}`)}

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

/**
 * Next.js runs each module while it builds, and does not say who is at the other end of a socket: so the server is opened
 * at the first request, and its mail is printed where /dev/mail would show it to nobody.
 */
const nextFile = (isTyped: boolean) => `${made}
import { readFileSync } from 'node:fs'
${imported(isTyped ? 'createAuth, type Transport' : 'createAuth', 'counterfoil')}
${imported('adapt', 'counterfoil/next')}
import { headers } from 'next/headers'

const { COUNTERFOIL_ISSUER, COUNTERFOIL_DATABASE, COUNTERFOIL_SECRET_FILE } = process.env
const { COUNTERFOIL_SMTP: smtp, COUNTERFOIL_MAIL_FROM: from } = process.env

// With no issuer this is a machine of yours, and the terminal the mailbox.
const printed${isTyped ? ': Transport' : ''} = { send: async ({ to, text }) => console.log(to, text) }

const openAuth = () =>
  createAuth({
    // The origin that browsers use: https, and with mail, anywhere but on localhost.
    issuer: COUNTERFOIL_ISSUER ?? \`http://localhost:\${${port}}\`,
    database: COUNTERFOIL_DATABASE ?? 'sqlite:data/counterfoil.db',
    secret: readFileSync(/* turbopackIgnore: true */ COUNTERFOIL_SECRET_FILE ?? 'data/secret', 'utf8'),
    ...(smtp && from ? { mail: { smtp, from } } : COUNTERFOIL_ISSUER ? {} : { mail: printed }),
  })

// Opened at the first request, and not while Next.js builds.
export const { proxy, required, action, caller } = adapt(openAuth, { headers })
`

/** The package reads files of its own and runs threads, so it is required and not bundled. */
const nextConfig = (isTyped: boolean) =>
  isTyped
    ? `import type { NextConfig } from 'next'

const config: NextConfig = { serverExternalPackages: ['counterfoil'] }

export default config
`
    : `export default { serverExternalPackages: ['counterfoil'] }
`

function forProgram(project: Project, framework: Programmed): Starter {
  const { extension, importExtension, sources } = project
  const isTyped = extension.endsWith('ts')
  const typed = (annotation: string) => (isTyped ? annotation : '')
  const { exported, uses, make, lines, program } = partsOf(framework, typed)
  const authPath = `${sources}auth.${extension}`
  const auth = authFile({ adapter: framework, exported })
  const needed = lines.includes('callerOf(') ? 'callerOf, required, serve' : 'required, serve'
  // Whoever requires cannot require this: it waits for the database.
  const own =
    project.program?.isModule === false
      ? `const { ${needed} } = await import('./auth.${importExtension}') // in an async function`
      : imported(needed, `./auth.${importExtension}`)
  const added = `${own}\n${lines}`
  if (project.program !== null) return { files: { [authPath]: auth }, lines: added }
  const imports = [
    make,
    imported(uses, `./auth.${importExtension}`),
    imported('keep, page', `./notes.${importExtension}`),
  ]
  const ready = `const port = Number(${port})\nconst ready = () => console.log(\`listening on http://localhost:\${port}\`)`
  const files = {
    [authPath]: auth,
    [`${sources}notes.${extension}`]: notesFile(typed),
    [`${sources}server.${extension}`]: `${imports.join('\n')}\n\n${ready}\n\n${program}`,
  }
  return { files, lines: added }
}

function forNext({ extension, sources }: Project, { isAppInSources, hasConfig }: NextFolder): Starter {
  const letters = extension.replace('m', '')
  const base = isAppInSources ? sources : ''
  const type = letters === 'ts' ? ': Request' : ''
  return {
    files: {
      ...(hasConfig
        ? {}
        : { [`next.config.${letters === 'ts' ? 'ts' : 'mjs'}`]: nextConfig(letters === 'ts') }),
      [`${base}app/counterfoil.${letters}`]: nextFile(letters === 'ts'),
      [`${base}proxy.${letters}`]: `import { NextResponse } from 'next/server'
import { proxy as guard } from './app/counterfoil'

/** The server's own paths, and no forged request to a route or an action that asked for nothing. */
export const proxy = async (request${type}) => (await guard(request)) ?? NextResponse.next()
`,
    },
    lines: `import { caller } from './counterfoil'\n\nconst who = await caller() // in a page: who is signed in, or null`,
    ...(hasConfig ? { setting: `serverExternalPackages: ['counterfoil']` } : {}),
  }
}

/** Where a project of Next.js keeps its application, and whether it is configured already. */
export type NextFolder = { isAppInSources: boolean; hasConfig: boolean }

export function starterFor(project: Project, given: NextFolder): Starter {
  if (project.framework === 'page') return { files: {}, lines: '' }
  if (project.framework === 'next') return forNext(project, given)
  return forProgram(project, project.framework)
}
