import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after } from 'node:test'
import { dataFolder, run, startServer } from 'counterfoil/house'
import { exportJWK, generateKeyPair } from 'jose'
import { becomeMember, password, postJson, signIn } from '../chaos/visitor.ts'

export const api = 'https://api.example'
export const email = 'ada@example.org'

/** What peers know of a client of theirs. */
export type Peer = { id: string; secret: string; key: CryptoKey | null }

/** The real command on a real port, with one member and a client for each way of proving oneself. */
export async function openScene() {
  const data = dataFolder()
  writeFileSync(join(data, 'policy.json'), JSON.stringify({ audiences: [api] }))
  const server = await startServer(data)
  after(() => server.kill())
  await becomeMember(server.origin, email)

  async function add(name: string, ...args: string[]): Promise<{ id: string; secret: string }> {
    const ran = await run([
      'clients',
      'add',
      name,
      ...args,
      '--scope',
      'read write',
      '--data',
      data,
      '--json',
    ])
    assert.equal(ran.code, 0, ran.err)
    const { client_id: id, client_secret: secret = '' } = JSON.parse(ran.out)
    return { id, secret }
  }

  async function addSigning(name: string, algorithm: 'ES256' | 'Ed25519' | 'RS256'): Promise<Peer> {
    const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true })
    const file = join(data, `${name}.json`)
    writeFileSync(file, JSON.stringify({ ...(await exportJWK(publicKey)), alg: algorithm }))
    return { ...(await add(name, '--auth', 'private_key_jwt', '--jwks', file)), key: privateKey }
  }

  return {
    issuer: server.browserOrigin,
    /** The same server, for whoever does not resolve that name. */
    origin: server.origin,
    basic: { ...(await add('basic')), key: null },
    post: { ...(await add('post', '--auth', 'client_secret_post')), key: null },
    signing: [
      await addSigning('es256', 'ES256'),
      await addSigning('ed25519', 'Ed25519'),
      await addSigning('rs256', 'RS256'),
    ],
    /** Tokens of a new session of the one member. */
    signIn: () => signIn(server.origin, email),
    /** The bare answer to a sign-in with these headers. */
    attempt: (headers: Record<string, string>) =>
      postJson(`${server.origin}/auth/sign-in`, { email, password, carrier: 'token' }, headers),
  }
}

export type Scene = Awaited<ReturnType<typeof openScene>>
