// The question: how many bytes go over the wire for a request, and how many of them are its credential?
import { makeDatabase } from './accounts.ts'
import { exchange } from './adapter-load.ts'
import { type Row, rowOf } from './figures.ts'
import { startOurs } from './ours.ts'
import { startPeer } from './peer.ts'
import { type Asked, answer } from './question.ts'

const plans = { full: null, quick: null }
const body = JSON.stringify({ user: { id: '1'.padStart(22, 'a') } })

type Shown = { name: string; port: number; line: string }

async function ours({ folder, undo }: Asked<null>): Promise<Shown[]> {
  const database = await makeDatabase(folder.path('ours'))
  const application = await startOurs('node', 'counterfoil', { database })
  undo.push(application.close)
  const { port } = application
  const [cookie = ''] = await application.by('cookie', 1)
  const [bearer = ''] = await application.by('bearer', 1)
  const [bound = ''] = (await application.bound())(1)
  return [
    { name: 'node, nobody', port, line: '' },
    { name: 'node, counterfoil by cookie', port, line: cookie },
    { name: 'node, counterfoil by bearer', port, line: bearer },
    { name: 'node, counterfoil by DPoP', port, line: bound },
  ]
}

async function theirs({ folder, undo }: Asked<null>): Promise<Shown[]> {
  const peers: [name: string, peer: string, variant: string][] = [
    ['express, express-session', 'express-session', 'memory'],
    ['fastify, @fastify/secure-session', 'secure-session', ''],
    ['node, iron-session', 'iron-session', ''],
    ['node, Better Auth', 'better-auth', 'sqlite'],
    ['node, Better Auth, cookie cache', 'better-auth', 'sqlite cache'],
    ['node, Better Auth, JWT plugin and jose', 'better-auth', 'sqlite jwt'],
    ['fastify, fast-jwt', 'fast-jwt', ''],
    ['express, jsonwebtoken', 'jsonwebtoken', ''],
  ]
  const found: Shown[] = []
  for (const [name, peer, variant] of peers) {
    const application = await startPeer(peer, { variant, url: folder.path(variant), seconds: 900 })
    undo.push(application.close)
    const [line = ''] = await application.credentials(1)
    found.push({ name, port: application.port, line })
  }
  return found
}

async function measure(asked: Asked<null>): Promise<Row[]> {
  const rows: Row[] = []
  const shown = [...(await ours(asked)), ...(await theirs(asked))]
  for (const { name, port, line } of shown) {
    const { request, answer } = await exchange(port, line)
    const isNobody = line === ''
    if (!isNobody && !answer.endsWith(`\r\n\r\n${body}`)) throw new Error(`${name} answers ${answer}`)
    const row = (question: string, bytes: number) =>
      rowOf({ question, candidate: name, unit: 'bytes', values: [bytes] })
    rows.push(row('bytes of a request with its credential', request.length))
    if (!isNobody) rows.push(row('bytes of the answer, headers and body', answer.length))
    if (!isNobody) rows.push(row('bytes of the credential, with the names of its headers', line.length))
  }
  return rows
}

process.exitCode = await answer('wire-bytes', plans, measure)
