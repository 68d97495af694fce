// Why: cookies, SameSite and CORS are only proven in a real browser. This one comes with the dev dependencies, is
// unpacked once per version, and starts with its protections on: the package's own list of flags turns them off.
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Browser, type BrowserContext, chromium, type LaunchOptions } from 'playwright-core'
import { repositoryRoot } from './source.ts'

const cache = join(repositoryRoot, 'node_modules/.cache')
const libraries = ['libnss3.so', 'libnspr4.so']

// No sandbox: containers give root no user namespaces. Web security stays on.
const flags = [
  ...['--no-sandbox', '--disable-gpu', '--no-first-run', '--no-default-browser-check', '--no-pings'],
  ...[
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--disable-breakpad',
  ],
  ...['--disable-domain-reliability', '--disable-dev-shm-usage', '--metrics-recording-only'],
]

// The package unpacks into whatever the temporary folder is and takes what lies there for its own.
const unpacking = `
  import chromium, { inflate } from '@sparticuz/chromium'
  await chromium.executablePath()
  await inflate(process.argv[1])
`

// The package's own settings look for its fonts below /tmp and /opt; a browser that finds none dies at the first text.
const fontSettings = (folder: string) => `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${join(folder, 'fonts')}</dir>
  <cachedir>${join(folder, 'fonts-cache')}</cachedir>
</fontconfig>
`

async function unpackedFolder(): Promise<string> {
  const source = join(repositoryRoot, 'node_modules/@sparticuz/chromium')
  const { version } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'))
  const folder = join(cache, `chromium-${version}`)
  if (existsSync(folder)) return folder
  mkdirSync(cache, { recursive: true })
  const fresh = mkdtempSync(`${folder}-`)
  try {
    const options = ['--input-type=module', '-e', unpacking, join(source, 'bin/al2023.tar.br')]
    const env = { ...process.env, TMPDIR: fresh, TEMP: fresh, TMP: fresh }
    await promisify(execFile)(process.execPath, options, { cwd: repositoryRoot, env })
    writeFileSync(join(fresh, 'fonts/fonts.conf'), fontSettings(folder))
    // One move, so two processes that unpack at once never see each other's halves.
    renameSync(fresh, folder)
  } catch (fault) {
    rmSync(fresh, { recursive: true, force: true })
    if (!existsSync(folder)) throw fault
  }
  return folder
}

async function hasLibraries(): Promise<boolean> {
  try {
    const { stdout } = await promisify(execFile)('/sbin/ldconfig', ['-p'])
    return libraries.every((library) => stdout.includes(library))
  } catch {
    return false
  }
}

async function launchSettings(options: LaunchOptions): Promise<LaunchOptions> {
  // The packed browser is for Linux on x64; elsewhere the machine's own Chrome has to do.
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return { channel: 'chrome', headless: true, timeout: patience, ...options }
  const folder = await unpackedFolder()
  const env: Record<string, string> = { FONTCONFIG_PATH: join(folder, 'fonts') }
  for (const [name, value] of Object.entries(process.env)) if (value !== undefined) env[name] ??= value
  if (!(await hasLibraries())) {
    const bundled = join(folder, 'al2023/lib')
    env.LD_LIBRARY_PATH = [bundled, process.env.LD_LIBRARY_PATH ?? ''].filter((part) => part !== '').join(':')
  }
  return {
    executablePath: join(folder, 'chromium'),
    headless: true,
    timeout: patience,
    env,
    ...options,
    args: [...flags, ...(options.args ?? [])],
  }
}

/** Whoever waits for a page waits for the machine, which may be busy; the deadline of the file ends what never comes. */
const patience = 120_000

function patient(context: BrowserContext): BrowserContext {
  context.setDefaultTimeout(patience)
  return context
}

/** A browser whose contexts are private windows. Chromium itself maps every *.localhost to this machine. */
export async function launchChromium(options: LaunchOptions = {}): Promise<Browser> {
  const browser = await chromium.launch(await launchSettings(options))
  const newContext = browser.newContext.bind(browser)
  browser.newContext = async (given) => patient(await newContext(given))
  return browser
}

/**
 * A browser with an ordinary profile in the folder given, which the caller removes. Use it where a private window
 * would prove too much: there third-party cookies may be blocked whatever the server does.
 */
export async function launchProfile(folder: string, options: LaunchOptions = {}): Promise<BrowserContext> {
  return patient(await chromium.launchPersistentContext(folder, await launchSettings(options)))
}
