import { closeSync, existsSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { initialise } from './initialise.ts'
import { imported } from './programs.ts'
import { isStranger, type Project, readProject } from './project.ts'
import { makeDataFolder, type Settings } from './settings.ts'
import { starterFor } from './starters.ts'

export type Begun = {
  /** Paths of what was not there before. */
  made: string[]
  /** What would have been made, and was there: it is as it was. */
  kept?: string[]
  framework?: string
  /** What to do now, for people. */
  next?: string
}

/**
 * The secrets, and in a project that counts counterfoil among its dependencies the few lines for its framework. Nothing
 * that is there is changed. Where the data is somewhere else than in the project, it is a server's and not a project's.
 */
export function begin(settings: Settings, folder: string): Begun {
  const { made } = initialise(settings)
  if (settings.data !== join(folder, 'data')) return { made }
  const project = readProject(folder)
  if (project === null) return isStranger(folder) ? { made, next: installFirst } : { made }
  // Secrets and the database must not be committed, and the project's own .gitignore is not ours to change.
  makeDataFolder(settings)
  const starter = starterFor(project, {
    isAppInSources: existsSync(join(folder, 'src/app')),
    hasConfig: ['ts', 'mjs', 'js', 'mts'].some((end) => existsSync(join(folder, `next.config.${end}`))),
  })
  const files = { 'data/.gitignore': '/secret*\n/counterfoil.db*\n', ...starter.files }
  const written = Object.entries(files).filter(([path, text]) => writeNew(join(folder, path), text))
  const names = written.map(([path]) => path)
  return {
    made: [...made.map((path) => relative(folder, path)), ...names],
    kept: Object.keys(files).filter((path) => !names.includes(path)),
    framework: project.framework,
    next: nextFor(project, {
      program: names.find((path) => /server\.\w+$/.test(path)) ?? null,
      lines: starter.lines,
      setting: starter.setting ?? null,
    }),
  }
}

const installFirst = `In a project: npm install counterfoil, then init again. It finds out the framework and writes the few lines.`

/** `false` where something is there, whoever put it there meanwhile. */
function writeNew(path: string, text: string): boolean {
  mkdirSync(dirname(path), { recursive: true })
  try {
    const file = openSync(path, 'wx')
    writeSync(file, text)
    closeSync(file)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

const indented = (text: string) => text.replace(/^(?=.)/gm, '    ')

const pageAlone = `A single-page application keeps its session in a cookie of its own origin. Let the server run beside it:
    npx counterfoil serve --port 4000 --issuer http://localhost:5173
and let the development server of the page (here Vite, in vite.config) hand on what is the server's:
    server: { proxy: Object.fromEntries(['/auth', '/sign-up', '/sign-in', '/verify', '/reset', '/dev/mail', '/assets'].map((path) => [path, 'http://localhost:4000'])) }`
const client = (isThere: boolean) => `For the page${isThere ? '' : ': npm install @counterfoil/browser'}
    ${imported('createClient', '@counterfoil/browser')}
    export const auth = createClient({ carrier: 'cookie' })`

function nextFor(
  project: Project,
  given: { program: string | null; lines: string; setting: string | null },
): string {
  const steps: string[] = []
  const { framework, program } = project
  if (framework === 'page') steps.push(pageAlone)
  else if (framework === 'next') {
    if (given.setting !== null)
      steps.push(`In next.config, so that it is required and not bundled:\n${indented(given.setting)}`)
    steps.push(`In a page:\n${indented(given.lines)}`)
    steps.push(
      'npx next dev, then sign up at http://localhost:3000/sign-up. The mail with the link is printed in the terminal.',
    )
  } else if (given.program !== null) {
    const install = project.missing.length === 0 ? '' : `npm install ${project.missing.join(' ')}\n`
    const isSource = project.extension === project.importExtension
    const start = `${install}${isSource ? `node ${given.program}` : `Build, and start what ${given.program} becomes.`}`
    steps.push(
      `${start}\nThen open http://localhost:3000 and sign up; the mail waits at http://localhost:3000/dev/mail.`,
    )
  } else if (program?.isDone !== true) {
    steps.push(
      `${program?.path ?? 'Your program'} is as it was. Add to it, right after the application is made:\n${indented(given.lines)}`,
    )
  }
  if (project.hasPages) steps.push(client(project.hasClient))
  steps.push(
    'Keep copies of data/secret and data/secret.reserve apart from the database. Off this machine: docs/deploy.md of the checkout.',
  )
  return steps.map((step, index) => `${index + 1}. ${step}`).join('\n')
}
