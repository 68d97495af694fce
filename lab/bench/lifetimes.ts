// The question: when somebody has signed out, how long does what they carried go on being accepted?
import { setTimeout as settle } from 'node:timers/promises'
import { makeDatabase } from './accounts.ts'
import type { Application } from './application.ts'
import { type Row, rowOf } from './figures.ts'
import { startOurs } from './ours.ts'
import { startPeer } from './peer.ts'
import { type Asked, answer } from './question.ts'
import { say } from './report.ts'
import { openStores } from './stores.ts'

type Plan = { watched: number }
/** Seconds: how long what it hands out is good for here, and how long is waited for a refusal. */
const lifetime = 10
const plans = { full: { watched: 20 }, quick: { watched: 12 } }
const question = `from the answer to a sign-out to the first refusal; lifetimes set to ${lifetime} s, to show what decides`

/** `usual`: what its documentation says it is where nobody sets it, or what is asked instead. */
type Watched = {
  name: string
  usual: string
  application: Application
  line: string
  signOut: string | null
}

const statusOf = async (port: number, path: string, init: { method: string; line: string }) => {
  const [, name = '', value = ''] = /^([^:]+): (.*)$/.exec(init.line) ?? []
  const headers = { [name]: value, origin: 'http://localhost:3000' }
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method: init.method, headers })
  await answer.arrayBuffer()
  return answer.status
}

/** Seconds, or infinity where it was still accepted when nobody waited any longer. */
async function acceptedFor({ name, application, line, signOut }: Watched, most: number): Promise<number> {
  const { port } = application
  const read = () => statusOf(port, '/me', { method: 'GET', line })
  if ((await read()) !== 200) throw new Error(`${name}: not signed in`)
  const status = signOut === null ? 200 : await statusOf(port, signOut, { method: 'POST', line })
  if (status >= 300) throw new Error(`${name}: not signed out: ${status}`)
  const began = performance.now()
  while (performance.now() - began < most * 1000) {
    if ((await read()) === 401) return (performance.now() - began) / 1000
    await settle(20)
  }
  return Number.POSITIVE_INFINITY
}

async function open({ undo, folder }: Asked<Plan>): Promise<Watched[]> {
  const stores = await openStores({ core: null })
  undo.push(stores.close)
  const ours = await startOurs('node', 'counterfoil', {
    database: await makeDatabase(folder.path('ours')),
    core: null,
  })
  undo.push(ours.close)
  const found: Watched[] = []
  for (const carrier of ['cookie', 'bearer'] as const) {
    const [line = ''] = await ours.by(carrier, 1)
    const usual = 'no read of a store; elsewhere as `revocation` says'
    found.push({
      ...{ name: `counterfoil by ${carrier}`, usual, line },
      application: ours,
      signOut: '/auth/sign-out',
    })
  }
  const never = 'never, unless it is set'
  const peers: [name: string, peer: string, variant: string, usual: string][] = [
    ['express-session with PostgreSQL', 'express-session', 'postgres', 'reads its store for each request'],
    ['Better Auth', 'better-auth', 'sqlite', 'reads its store for each request'],
    ['Better Auth, cookie cache', 'better-auth', 'sqlite cache', '5 minutes'],
    ['Better Auth, JWT plugin', 'better-auth', 'sqlite jwt', '15 minutes'],
    ['@fastify/secure-session', 'secure-session', '', '1 day'],
    ['iron-session', 'iron-session', '', '14 days; a minute is added for clocks'],
    ['fast-jwt (@fastify/jwt)', 'fast-jwt', '', never],
    ['fast-jwt (@fastify/jwt), its cache on', 'fast-jwt', 'cache', never],
    ['jose', 'jose', '', never],
    ['jsonwebtoken', 'jsonwebtoken', '', never],
    ['passport-jwt', 'passport-jwt', '', never],
  ]
  for (const [name, peer, variant, usual] of peers) {
    const url = variant === 'postgres' ? await stores.database('sessions') : folder.path(variant)
    const application = await startPeer(peer, { variant, url, seconds: lifetime, core: null })
    undo.push(application.close)
    found.push({ name, usual, application, signOut: application.signOut, line: '' })
  }
  return found
}

async function measure(asked: Asked<Plan>): Promise<Row[]> {
  const all = await open(asked)
  const most = asked.plan.watched
  const values = await Promise.all(
    all.map(async (one) => {
      const [line = one.line] = one.line === '' ? await one.application.credentials(1) : []
      const found = await acceptedFor({ ...one, line }, most)
      say(
        `${one.name}: ${Number.isFinite(found) ? `${found.toFixed(3)} s` : `still accepted after ${most} s`}`,
      )
      return found
    }),
  )
  return all.map(({ name, usual }, index) => {
    const found = values[index] ?? Number.NaN
    const late = Number.isFinite(found) ? '' : ', still accepted then'
    return rowOf({
      ...{ question, candidate: `${name}${late} (as documented: ${usual})`, unit: 's' },
      ...{ values: [Math.min(found, most)] },
    })
  })
}

process.exitCode = await answer('lifetimes', plans, measure)
