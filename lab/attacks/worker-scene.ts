// A server, two services that follow its feed, and a worker whose queue lies open: real processes and real sockets.
import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { after } from 'node:test'
import { createVerifier, type Verifier } from '@counterfoil/verifier'
import { adapt } from '@counterfoil/verifier/node'
import { createWorker, type Worker } from '@counterfoil/verifier/worker'
import { dataFolder, run, type ServerProcess, startServer } from 'counterfoil/house'
import { freePort } from '../../tools/free-port.ts'
import { becomeMember, postJson, signIn } from '../chaos/visitor.ts'

export const email = 'ada@example.org'

/** What a service has done, and for whom. */
export type Service = { origin: string; done: { path: string; account: string; actor: string | null }[] }

export type RegisteredWorker = { id: string; key: object; worker: Worker }

export type WorkerScene = {
  data: string
  issuer: string
  server(): ServerProcess
  /** Another process at the same address. */
  startAgain(): Promise<void>
  statements: Service
  payments: Service
  addWorker(name: string): Promise<RegisteredWorker>
  /** A grant that the member gives to a worker, for statements; its id, and how it is withdrawn. */
  give(worker: RegisteredWorker, terms?: object): Promise<{ id: string; withdraw(): Promise<void> }>
}

export async function openWorkerScene(): Promise<WorkerScene> {
  const data = dataFolder()
  const [first, second] = [await listening('statements.localhost'), await listening('payments.localhost')]
  writeFileSync(join(data, 'policy.json'), JSON.stringify({ audiences: [first.origin, second.origin] }))
  // One that nobody else is given while no server runs.
  const port = String(await freePort())
  const start = () => startServer(data, ['--port', port])
  let server = await start()
  after(() => server.kill())
  const { browserOrigin: issuer } = server
  await becomeMember(server.origin, email)
  const { client_id, client_secret } = await addClient(data, ['services'])
  const client = { id: client_id, secret: client_secret }
  const open = async ({ origin, server: listener }: Listening): Promise<Service> => {
    const verifier = await createVerifier({ issuer, audience: origin, origin, client, log: () => {} })
    after(() => verifier.close())
    const service: Service = { origin, done: [] }
    listener.on('request', routesOf(verifier, service))
    return service
  }
  const [statements, payments] = [await open(first), await open(second)]

  return {
    ...{ data, issuer, statements, payments },
    server: () => server,
    async startAgain() {
      server = await start()
    },
    async addWorker(name) {
      const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const file = join(data, `${name}.json`)
      writeFileSync(file, JSON.stringify(publicKey.export({ format: 'jwk' })))
      const how = ['--auth', 'private_key_jwt', '--jwks', file, '--scope', 'statement.read statement.write']
      const { client_id: id } = await addClient(data, [name, ...how])
      const key = privateKey.export({ format: 'jwk' })
      return { id, key, worker: await createWorker({ issuer, client: { id, key } }) }
    },
    async give({ id: client_id }, terms = {}) {
      const { access_token } = await signIn(server.origin, email)
      const authorization = `Bearer ${access_token}`
      const usual = { client_id, scope: 'statement.read', audience: statements.origin, expires_in: 3600 }
      const purpose = 'Write you a statement each month'
      const given = await postJson(
        `${server.origin}/auth/grants`,
        { ...usual, purpose, ...terms },
        { authorization },
      )
      if (given.status !== 201) throw new Error(`no grant: ${given.status} ${await given.text()}`)
      const { id } = (await given.json()) as { id: string }
      const withdraw = async () => {
        // Until every service has heard of it: the answer alone may be there some milliseconds before.
        const address = `${server.origin}/auth/grants/${id}?wait=applied`
        const answer = await fetch(address, { method: 'DELETE', headers: { authorization } })
        if (answer.status !== 200) throw new Error(`not withdrawn: ${answer.status} ${await answer.text()}`)
      }
      return { id, withdraw }
    },
  }
}

/** One route for a job, the others for the person; and one whose author thought of neither. */
function routesOf(verifier: Verifier, service: Service) {
  const { authenticate, required } = adapt(verifier)
  const done = (request: Asking, response: ServerResponse) => {
    const { caller } = request
    const [account, actor] = [caller?.account.id ?? 'nobody', caller?.actor ?? null]
    service.done.push({ path: request.url ?? '', account, actor })
    response.end(JSON.stringify({ account, actor, grant: caller?.grant ?? null }))
  }
  const routes: Record<string, (request: Asking, response: ServerResponse) => void> = {
    '/statement': required({ scope: 'statement.read' }, done),
    '/correct': required({ scope: 'statement.write' }, done),
    '/pay': required({ present: true }, done),
    '/password': required({ freshWithinSeconds: 300 }, done),
    '/pay-scoped': required({ present: true, scope: 'statement.read' }, done),
  }
  return authenticate((request: Asking, response: ServerResponse) => {
    const route = routes[request.url ?? '']
    if (route === undefined) response.writeHead(404).end()
    else route(request, response)
  })
}

type Asking = IncomingMessage & { caller?: Awaited<ReturnType<Verifier['identify']>> }
type Listening = { origin: string; server: Server }

async function listening(name: string): Promise<Listening> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  after(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('listens on no port')
  return { origin: `http://${name}:${address.port}`, server }
}

async function addClient(
  data: string,
  args: readonly string[],
): Promise<{ client_id: string; client_secret: string }> {
  const ran = await run(['clients', 'add', ...args, '--data', data, '--json'])
  if (ran.code !== 0) throw new Error(ran.err)
  return JSON.parse(ran.out)
}
