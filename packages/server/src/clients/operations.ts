import { parseKeySet } from '@counterfoil/verifier'
import type { ClientMethod, ClientTable, Db } from '../db/schema.ts'
import { transact } from '../db/transact.ts'
import type { Events } from '../events.ts'
import type { Feed } from '../feed/index.ts'
import type { Clock, Entropy, Secrets } from '../machine.ts'
import { refuse } from '../refusals.ts'
import { type Assertion, judgeAssertion } from './assertion.ts'
import {
  builtInClient,
  firstPartyClient,
  isClientId,
  type ProvenClient,
  type RegisteredClient,
  readScope,
} from './client.ts'
import { type ClientProof, readProof, type ShownClient } from './credentials.ts'
import { checkedKeys, checkedScope } from './registration.ts'
import * as store from './store.ts'

export type Clients = {
  /** A client that proves itself by a secret, which is shown here and never again. By default as HTTP Basic. */
  add(
    name: string,
    given?: { method?: 'client_secret_basic' | 'client_secret_post'; scope?: string },
  ): Promise<{ client_id: string; client_secret: string }>
  /** One that signs its proofs with one of these keys (a JWK set, or one JWK, as text); `null`: a public one, which proves nothing. */
  addWithoutSecret(
    name: string,
    given: { jwks: string | null; scope?: string },
  ): Promise<{ client_id: string }>
  list(): Promise<ClientTable[]>
  /** What is registered under an id; `null` where nothing is. Proves nothing. */
  findRegistered(id: string): Promise<RegisteredClient | null>
  /** Another secret; the one before, and the tokens that it got, are dead at once. `null` where no client has a secret under this id. */
  rotateSecret(id: string): Promise<{ client_id: string; client_secret: string } | null>
  /** The same for keys. `false` where no client signs under this id. */
  replaceKeys(id: string, jwks: string): Promise<boolean>
  /** The client and all that was begun in its name are over. `false` where there is no such client of one's own. */
  remove(id: string): Promise<boolean>
  /**
   * Which client a request proves. `client_invalid` where it proves none, or not in the way that this client does;
   * `input_invalid` for two proofs at once. An assertion is used up by this.
   */
  authenticate(shown: ShownClient): Promise<ProvenClient>
  /** The same, and a public client is taken at its word: whoever shows nothing is the built-in one. */
  recognise(shown: ShownClient): Promise<ProvenClient>
  /** The tokens that this client was given and that were read no later than `asOf` are over; its sessions and its secret are not. */
  endTokens(given: { id: string; asOf: number }): Promise<void>
  /** Whether a token of no session, read at `asOf` for this client, has outlived its client, its proof, or everybody. */
  isTokenOver(given: { id: string; asOf: number }): Promise<boolean>
  /** Whether all that a token came through are there, and none of them has ended since `asOf`. Everybody's end is not looked at. */
  areStanding(ids: readonly string[], asOf: number): Promise<boolean>
  prune(): Promise<void>
}

type Needs = {
  db: Db
  clock: Clock
  entropy: Entropy
  secrets: Secrets
  feed: Feed
  events: Events
  issuer: string
}

const secretBytes = 32
/** What an unknown client's secret is compared with, so that both cost the same. */
const nobody = 'A'.repeat(43)
/** Used assertions that are remembered of one client: beyond this it has to wait, and nobody else has to. */
const mostAssertions = 10_000
/** Other servers' clocks may be behind ours. */
const pruneAfterSeconds = 60

export function createClients({ db, clock, entropy, secrets, feed, events, issuer }: Needs): Clients {
  const newSecret = () => Buffer.from(entropy.bytes(secretBytes)).toString('base64url')
  const hash = (value: string) => secrets.hash(value)

  async function insert(
    name: string,
    given: { auth_method: ClientMethod; secret: string | null; jwks: string | null; scope: string },
  ): Promise<string> {
    const { secret, ...row } = given
    const id = entropy.id()
    const secret_hash = secret === null ? null : hash(secret)
    await transact(db, async (tx) => {
      const created_at = clock.now()
      await store.insert(tx, { id, name, created_at, end_position: 0, tokens_end: 0, secret_hash, ...row })
      await events.record(tx, { kind: 'client_added', outcome: 'done', detail: id })
    })
    return id
  }

  /** What was handed out for the proof before ends with it: whoever held that one may have used it. */
  function replaceProof(id: string, proof: { secret_hash: string } | { jwks: string }): Promise<boolean> {
    return transact(db, async (tx) => {
      if (!(await store.replaceProof(tx, { id, ...proof }))) return false
      await events.record(tx, { kind: 'client_rotated', outcome: 'done', detail: id })
      const position = await feed.append(tx, [{ kind: 'client', id }])
      await store.setTokensEnd(tx, { id, position })
      return true
    })
  }

  async function useAssertion({ id, jwks }: ClientTable, assertion: Assertion, now: number): Promise<void> {
    const keys = parseKeySet(jwks ?? '') ?? refuse('client_invalid')
    const { jti, expiresAt } = judgeAssertion(assertion, { keys, issuer, now })
    const used = { id: hash(JSON.stringify([id, jti])), clientId: id, expiresAt: Math.ceil(expiresAt) }
    if (await store.useAssertion(db, { ...used, now, most: mostAssertions })) return
    if (await store.isUsed(db, used.id)) refuse('client_invalid', { detail: 'assertion: used before' })
    refuse('too_many_attempts', { retryAfterSeconds: 60, detail: 'assertions of one client' })
  }

  async function check(proof: ClientProof): Promise<ProvenClient> {
    const readStart = clock.now()
    const client = await store.find(db, proof.id)
    // Compared for whoever is not there too, so that both cost the same.
    const isSecretRight =
      'secret' in proof && secrets.equal(client?.secret_hash ?? nobody, hash(proof.secret))
    if (client === undefined) refuse('client_invalid', { detail: 'no such client' })
    if (client.auth_method !== proof.method)
      refuse('client_invalid', { detail: 'this client proves itself in another way' })
    if ('secret' in proof && !isSecretRight) refuse('client_invalid', { detail: 'the secret is wrong' })
    if (proof.method === 'private_key_jwt') await useAssertion(client, proof.assertion, readStart)
    const { id, name, scope, as_of: asOf } = client
    return { id, name, isPublic: proof.method === 'none', scopes: readScope(scope) ?? [], asOf, readStart }
  }

  return {
    async add(name, { method = 'client_secret_basic', scope = '' } = {}) {
      const secret = newSecret()
      const given = { auth_method: method, secret, jwks: null, scope: checkedScope(scope) }
      return { client_id: await insert(name, given), client_secret: secret }
    },
    async addWithoutSecret(name, { jwks, scope = '' }) {
      const auth_method = jwks === null ? 'none' : 'private_key_jwt'
      const keys = jwks === null ? null : checkedKeys(jwks, hash)
      const given = { auth_method, secret: null, jwks: keys, scope: checkedScope(scope) } as const
      return { client_id: await insert(name, given) }
    },
    list: () => store.list(db),
    async findRegistered(id) {
      const client = isClientId(id) ? await store.find(db, id) : undefined
      if (client === undefined) return null
      const { name, auth_method, scope } = client
      return { id, name, isPublic: auth_method === 'none', scopes: readScope(scope) ?? [] }
    },
    async rotateSecret(id) {
      const secret = newSecret()
      const isReplaced = await replaceProof(id, { secret_hash: hash(secret) })
      return isReplaced ? { client_id: id, client_secret: secret } : null
    },
    replaceKeys: async (id, jwks) => replaceProof(id, { jwks: checkedKeys(jwks, hash) }),
    remove: (id) =>
      transact(db, async (tx) => {
        if (!(await store.remove(tx, { id, builtIn: firstPartyClient }))) return false
        await events.record(tx, { kind: 'client_removed', outcome: 'done', detail: id })
        await feed.append(tx, [{ kind: 'client', id }])
        return true
      }),
    async authenticate(shown) {
      const proof = readProof(shown)
      if (proof.method === 'none') refuse('client_invalid', { detail: 'no proof' })
      return check(proof)
    },
    async recognise(shown) {
      const proof = readProof(shown)
      return proof.method === 'none' && proof.id === firstPartyClient ? builtInClient : check(proof)
    },
    endTokens: ({ id, asOf }) =>
      transact(db, async (tx) => {
        if (!(await store.lockTokens(tx, { id, asOf }))) return
        const position = await feed.append(tx, [{ kind: 'client', id }])
        await store.setTokensEnd(tx, { id, position })
      }),
    async isTokenOver({ id, asOf }) {
      const client = await store.find(db, id)
      if (client === undefined) return true
      return Math.max(client.end_position, client.tokens_end, client.everyone_end) > asOf
    },
    async areStanding(ids, asOf) {
      const found = new Set(await store.listStanding(db, { ids, asOf }))
      return ids.every((id) => found.has(id))
    },
    prune: () => store.forgetAssertions(db, clock.now() - pruneAfterSeconds),
  }
}
