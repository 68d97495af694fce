import { imported, notesFile, type Programmed, partsOf } from './programs.ts'
import type { Framework, Project } from './project.ts'

/** Files that `init` writes, by path, and the lines for a program that is there already. */
export type Starter = { readonly files: Readonly<Record<string, string>>; readonly lines: string }

const port = 'process.env.PORT ?? 3000'

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

function forProgram(project: Project, framework: Programmed): Starter {
  const { extension, importExtension, sources } = project
  const isTyped = extension.endsWith('ts')
  const typed = (annotation: string) => (isTyped ? annotation : '')
  const { exported, uses, make, lines, program } = partsOf(framework, typed)
  const authPath = `${sources}auth.${extension}`
  const auth = authFile({ adapter: framework, imports: '', exported })
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
