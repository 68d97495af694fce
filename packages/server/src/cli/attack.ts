import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { attack as attackTarget, defaultBounds, type Judged, type Report } from '../attack/index.ts'
import { systemClock } from '../node/clock.ts'
import { systemEntropy } from '../node/entropy.ts'
import { systemSigning } from '../node/signing.ts'
import { printDone } from './output.ts'

export type AttackFlags = {
  target?: string
  account?: string
  passwordFile?: string
  origin?: string
  signIn?: string
  tokenSignIn?: string
  accessMember?: string
  refreshMember?: string
  refresh?: string
  tokenSignOut?: string
  keys?: string
  proof?: boolean
  expired?: string
  otherAudience?: string
  who?: string
  act?: string
  effect?: string
  signOut?: string
  redirect?: string
  socket?: string
  csrf?: string
  requests?: string
  seconds?: string
  json?: boolean
}

/** Exit code 0: every attack that could be judged was refused. 1: one was accepted. What throws is 2. */
export async function attack(url: string, flags: AttackFlags): Promise<void> {
  const report = await attackTarget({
    target: url,
    described: flags.target === undefined ? null : await readJson(flags.target),
    overrides: await overridesOf(flags),
    bounds: {
      requests: parseBound('--requests', flags.requests, defaultBounds.requests),
      seconds: parseBound('--seconds', flags.seconds, defaultBounds.seconds),
    },
    tools: { clock: systemClock, entropy: systemEntropy, signing: systemSigning },
    onJudged: ({ id, verdict }, { done, of }) => console.error(`${done}/${of} ${id} ${verdict}`),
  })
  const { bounds, ...told } = report
  if (flags.json) console.error(textOfBounds(bounds))
  printDone(told, { json: flags.json ?? false, text: textOf(report) })
  if (report.found > 0) process.exitCode = 1
}

async function readJson(path: string): Promise<unknown> {
  const given = await readText(path)
  try {
    return JSON.parse(given)
  } catch {
    throw new Error(`${path === '-' ? 'Standard input' : path} is no JSON.`)
  }
}

async function readText(path: string): Promise<string> {
  try {
    if (path === '-') return await text(process.stdin)
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new Error(`${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'}).`)
  }
}

/** A token that should not be believed: a request and the member of its answer, or a file, for the reason below. */
async function tokenOf(flag: string | undefined): Promise<string | undefined> {
  if (flag === undefined || /^[A-Z]+ \//.test(flag)) return flag
  return (await readText(flag)).trim()
}

/** A password comes from a file or standard input: what stands on a command line is seen by everybody on the machine. */
async function overridesOf(flags: AttackFlags): Promise<Record<string, unknown>> {
  const password =
    flags.passwordFile === undefined ? undefined : (await readText(flags.passwordFile)).replace(/\r?\n$/, '')
  const { origin, who, act, effect, redirect, socket, csrf, keys, proof } = flags
  const token = {
    ...{ sign_in: flags.tokenSignIn, access: flags.accessMember, keys, proof },
    ...{ refresh_by: flags.refresh, refresh: flags.refreshMember, sign_out: flags.tokenSignOut },
    expired: await tokenOf(flags.expired),
    other_audience: await tokenOf(flags.otherAudience),
  }
  const given = {
    ...{ origin, who, act, effect, redirect, socket, csrf },
    sign_out: flags.signOut,
    account: present({ name: flags.account, password }),
    cookie: present({ sign_in: flags.signIn }),
    token: present(token),
  }
  return present(given) ?? {}
}

/** What was given; nothing where nothing was. */
function present(members: Record<string, unknown>): Record<string, unknown> | undefined {
  const left = Object.entries(members).filter(([, value]) => value !== undefined)
  return left.length === 0 ? undefined : Object.fromEntries(left)
}

function parseBound(flag: string, given: string | undefined, otherwise: number): number {
  if (given === undefined) return otherwise
  const value = Number(given)
  if (/^\d{1,5}$/.test(given) && value > 0) return value
  throw new Error(`${flag} is "${given.slice(0, 40)}". Give a whole number from 1 to 99999.`)
}

const textOfBounds = (bounds: Report['bounds']): string =>
  `${bounds.requests} of at most ${bounds.most_requests} requests, ${bounds.seconds} of at most ${bounds.most_seconds} seconds${bounds.exhausted ? '; the bound was reached before the end' : ''}`

const gravity = ['high', 'medium', 'low']

function textOf({ target, checks, found, bounds }: Report): string {
  const of = (verdict: Judged['verdict']) => checks.filter((check) => check.verdict === verdict)
  const accepted = of('accepted').sort((a, b) => gravity.indexOf(a.severity) - gravity.indexOf(b.severity))
  const skipped = of('skipped')
  const refused = of('refused')
  return [
    `${target}: ${found} accepted, ${refused.length} refused, ${skipped.length} skipped`,
    textOfBounds(bounds),
    ...accepted.flatMap(({ id, severity, evidence, remedy }) => [
      '',
      `ACCEPTED  ${severity}  ${id}`,
      `  ${evidence}`,
      `  ${remedy}`,
    ]),
    ...(skipped.length === 0 ? [] : ['', 'Skipped, so nothing is known about these:']),
    ...skipped.map(({ id, evidence }) => `  ${id}: ${evidence}`),
    ...(refused.length === 0
      ? []
      : ['', 'Refused:', ...refused.map(({ id, evidence }) => `  ${id}: ${evidence}`)]),
  ].join('\n')
}
