// Why: who stands above whom, in one place. Rooms meet at their doors, the edge is above them, the machine is out of
// their reach, and the verifier owes nothing to anyone.
import { isBuiltin } from 'node:module'
import { posix } from 'node:path'

const levels: Readonly<Record<string, number>> = {
  ...{ feed: 0, limits: 0, mail: 0, accounts: 1, clients: 1, sessions: 2, tokens: 3 },
  ...{ adoptions: 4, carriers: 4, grants: 4, passwords: 4, oauth: 5, http: 6 },
}
const open = new Set([
  'contract.ts',
  'machine.ts',
  'policy.ts',
  'refusals.ts',
  'events.ts',
  'db/schema.ts',
  'db/primary.ts',
  'db/template.ts',
  'db/unavailable.ts',
  'db/transact.ts',
  'gate.ts',
  'gathering.ts',
])
// What one gives to start the house, and which house it is: for those who put it together or run it.
const ground = new Set(['options.ts', 'version.ts'])
const edgeForRoutes = new Set(['http/route.ts', 'http/html.ts'])
const frameworks = ['express', 'fastify', 'hono', 'next', 'node']
const verifierAdapters = frameworks.map((name) => `@counterfoil/verifier/${name}`)
const doors = new Set([
  ...['counterfoil', 'counterfoil/testing', 'counterfoil/house', '@counterfoil/browser'],
  ...['@counterfoil/verifier', '@counterfoil/verifier/worker'],
  ...verifierAdapters,
  ...frameworks.map((name) => `counterfoil/${name}`),
])
// Speaks HTTP to others and knows nothing of the house, whose chance and clock it is given.
const stranger = 'attack'
export const server = 'packages/server/src/'

export type Arrow = { from: string; to: string }

export const level = (room: string) => levels[room] ?? -1
export const folderOf = (path: string) => (path.includes('/') ? path.slice(0, path.indexOf('/')) : '')
const isRoom = (path: string) => folderOf(path) in levels
const isDoor = (path: string) => path === `${folderOf(path)}/index.ts`
export const isEdgeFile = (path: string) => /(?:^|[/-])(?:routes|pages|views)\.ts$/.test(path)

/** Inside a room the facts know nothing of the store, the store nothing of the verbs, the verbs nothing of HTTP. */
function height(path: string): number {
  if (isDoor(path)) return 4
  if (isEdgeFile(path)) return 3
  if (/[/-]operations\.ts$/.test(path)) return 2
  return /[/-]store\.ts$/.test(path) ? 1 : 0
}

function roomRule({ from, to }: Arrow): string | null {
  const [room, other] = [folderOf(from), folderOf(to)]
  if (room === other) {
    const ordered = room === 'http' || height(from) === 4 || (height(to) <= height(from) && !isDoor(to))
    return ordered
      ? null
      : `inside ${room}/ imports go facts <- store <- operations <- routes, pages, views; turn ${to} round`
  }
  if (!isRoom(to))
    return `a room does not import ${to}; take what it gives as an argument, auth.ts passes it in`
  if (edgeForRoutes.has(to) && isEdgeFile(from)) return null
  if (level(other) >= level(room))
    return `${room} is not above ${other}; take it as an argument or move the code down`
  return isDoor(to) ? null : `import ${other} through its door, ${other}/index.ts`
}

function serverRule(arrow: Arrow): string | null {
  const { from, to } = arrow
  const folder = folderOf(from)
  const own = folderOf(to)
  if (to.startsWith('../')) {
    return to.endsWith('/package.json')
      ? null
      : 'stay inside packages/server/src; the verifier is @counterfoil/verifier'
  }
  if (folder === 'node') {
    const fits =
      own === 'node' || ['contract.ts', 'gate.ts', 'machine.ts', 'refusals.ts', 'policy.ts'].includes(to)
    return fits
      ? null
      : 'node/ imports only node/, contract.ts, gate.ts, machine.ts, refusals.ts and policy.ts'
  }
  if (folder === stranger) {
    return own === stranger || to === 'machine.ts' ? null : 'attack/ imports only attack/ and machine.ts'
  }
  if (own === stranger) {
    return folder === 'cli' && isDoor(to)
      ? null
      : 'only cli/ imports attack/, through its door, attack/index.ts'
  }
  if (open.has(to)) return null
  if (edgeForRoutes.has(from) && own === 'http') return null
  if (open.has(from) || edgeForRoutes.has(from)) {
    return `${from} is open to every room, so it imports no room and nothing above them`
  }
  if (isRoom(from)) return roomRule(arrow)
  if (isRoom(to) && folder !== 'db')
    return isDoor(to) ? null : `import ${own} through its door, ${own}/index.ts`
  if (folder === 'adapters') {
    return own === 'adapters' || to === 'node/listen.ts'
      ? null
      : 'adapters/ stands on contract.ts and node/listen.ts, as an application would'
  }
  if (
    ground.has(to) &&
    (['auth.ts', 'create-auth.ts', 'index.ts'].includes(from) || ['cli', 'test-kit'].includes(folder))
  )
    return null
  if (from === 'create-auth.ts' && to === 'auth.ts') return null
  if (from === 'auth.ts' || from === 'create-auth.ts')
    return own === 'node' || own === 'db' ? null : `auth.ts does not import ${to}`
  if (from === 'index.ts')
    return to === 'create-auth.ts' ? null : `index.ts does not import ${to}; let create-auth.ts do it`
  if (folder === 'cli') {
    return ['cli', 'node', 'db'].includes(own) || ['auth.ts', 'create-auth.ts', 'index.ts'].includes(to)
      ? null
      : `cli/ does not import ${to}`
  }
  if (folder === 'test-kit') {
    return ['test-kit', 'node', 'db'].includes(own) || to === 'auth.ts'
      ? null
      : `test-kit/ does not import ${to}`
  }
  if (folder === 'db') return own === 'db' || own === 'node' ? null : `db/ does not import ${to}`
  return `${from} has no place in the house; put it into a room or give it one in tools/check-imports.ts`
}

function externalRule({ from, to }: Arrow): string | null {
  const house = to === 'counterfoil' || /^(?:@counterfoil|counterfoil)\//.test(to)
  // What builds the package is not in it.
  if (from.startsWith('packages/verifier/src/')) {
    const signs = from === 'packages/verifier/src/signatures.ts' && to === 'node:crypto'
    const chooses = from === 'packages/verifier/src/cryptography.ts' && to === '#signatures'
    return signs || chooses
      ? null
      : 'the verifier imports nothing; only signatures.ts may import node:crypto, only cryptography.ts either twin'
  }
  if (from.startsWith('packages/browser/src/')) {
    const hooks = from === 'packages/browser/src/react.ts' && to === 'react'
    return hooks ? null : 'the browser package imports nothing; only react.ts may import react'
  }
  if (!from.startsWith(server))
    return house && !doors.has(to) ? `use a public door: ${[...doors].join(', ')}` : null
  const adapts = from.startsWith(`${server}adapters/`) && verifierAdapters.includes(to)
  if (house && to !== '@counterfoil/verifier' && !adapts)
    return 'inside the server only @counterfoil/verifier is imported by name'
  const room = folderOf(from.slice(server.length))
  const banned = isBuiltin(to) && level(room) >= 0 && room !== 'http'
  return banned ? 'rooms do not touch the machine; take a port from machine.ts as an argument' : null
}

/** What is wrong with one import, as advice; null when nothing is. */
export function arrowRule({ from, to }: Arrow): string | null {
  if (!to.startsWith('.')) return externalRule({ from, to })
  const target = posix.join(posix.dirname(from), to)
  if (from.startsWith(server))
    return serverRule({ from: from.slice(server.length), to: posix.relative(server, target) })
  const [top = '', name = ''] = from.split('/')
  const home = top === 'packages' ? `packages/${name}/` : `${top}/`
  if (target.startsWith(home) || (top === 'lab' && target.startsWith('tools/'))) return null
  return `stay inside ${home} and use the packages by their names`
}
