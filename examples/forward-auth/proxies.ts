// Runs each configuration as it lies here, with nothing changed but the ports and where a program may write.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'

export type Ports = { proxy: number; counterfoil: number; application: number }
export type ProxyProgram = {
  name: string
  forward: { method: string; url: string }
  start(ports: Ports, folder: string): ChildProcess
}

const configuration = (name: string, { proxy, counterfoil, application }: Ports) =>
  readFileSync(join(import.meta.dirname, name), 'utf8')
    .replaceAll('8080', String(proxy))
    .replaceAll('127.0.0.1:3000', `127.0.0.1:${counterfoil}`)
    .replaceAll('127.0.0.1:4000', `127.0.0.1:${application}`)

const inherited = { stdio: 'inherit' } as const
const nginxFolders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
const forwarded = { method: 'x-forwarded-method', url: 'x-forwarded-uri' }

export const proxies: readonly ProxyProgram[] = [
  {
    name: 'nginx',
    forward: { method: 'x-original-method', url: 'x-original-url' },
    start(ports, folder) {
      const places = nginxFolders.map((name) => `${name}_temp_path ${join(folder, name)};`).join(' ')
      const text = configuration('nginx.conf', ports).replace('http {', `http { access_log off; ${places}`)
      writeFileSync(join(folder, 'nginx.conf'), text)
      // The command of the page, as whoever runs this. The shell gives way to nginx, so that its end is nginx's.
      const command = readFileSync(join(import.meta.dirname, 'nginx.sh'), 'utf8')
      return spawn('sh', ['-ec', `sudo() { exec "$@"; }\n${command}`], { ...inherited, cwd: folder })
    },
  },
  {
    name: 'caddy',
    forward: forwarded,
    start(ports, folder) {
      const path = join(folder, 'Caddyfile')
      writeFileSync(path, configuration('Caddyfile', ports))
      const env = { PATH: process.env.PATH, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder }
      return spawn('caddy', ['run', '--config', path, '--adapter', 'caddyfile'], { stdio: 'ignore', env })
    },
  },
  {
    name: 'traefik',
    forward: forwarded,
    start(ports, folder) {
      const path = join(folder, 'traefik.yml')
      writeFileSync(path, configuration('traefik.yml', ports))
      const entry = `--entrypoints.web.address=127.0.0.1:${ports.proxy}`
      return spawn('traefik', [entry, `--providers.file.filename=${path}`], inherited)
    },
  },
]

export function isInstalled(name: string): boolean {
  try {
    execFileSync('which', [name], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'counterfoil-proxy-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
