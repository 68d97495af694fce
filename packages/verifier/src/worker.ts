import { type Acting, createActing } from './acting.ts'
import { createExchange } from './exchange.ts'
import { createMachine, type Machine } from './machine.ts'
import { checkedIssuer } from './metadata.ts'
import { createSigner, importSigner } from './worker-signing.ts'

export type { Acting } from './acting.ts'
export { Refusal } from './refusal.ts'
export { isEndOfGrant, type WorkerRefusalCode, workerRefusals } from './worker-refusal.ts'

export type WorkerOptions = {
  /** The server's bare origin, such as `https://auth.example`. */
  readonly issuer: string
  /**
   * The worker as the server knows it, registered with `private_key_jwt`: its id, and its private key as a JWK, an object or its text.
   */
  readonly client: { readonly id: string; readonly key: object | string }
}

/** Less than was granted, if that is enough. */
export type ActingOptions = {
  /** Scopes, separated by spaces. Default: all that were granted. */
  readonly scope?: string | undefined
  /** The service that the token is for. Default: the one that was granted. */
  readonly resource?: string | undefined
  /** Where requests go. Default: the origin of `resource`, or the issuer's where there is none. */
  readonly origin?: string | undefined
}

export type Worker = {
  /** Acts under the grant of this id, which is no secret: only the client that it was given to can do anything with it. */
  actFor(grantId: string, options?: ActingOptions): Acting
}

/**
 * A job that acts for users who are not there. Its tokens live for minutes, are bound to a key that this process makes and
 * nobody can read, and are kept in memory alone. Rejects with an `Error` where the key signs nothing.
 */
export function createWorker(options: WorkerOptions): Promise<Worker> {
  return startWorker(options, createMachine(undefined))
}

/** The same on a machine that is given. */
export async function startWorker({ issuer, client }: WorkerOptions, machine: Machine): Promise<Worker> {
  const home = checkedIssuer(issuer)
  if (client.id === '') throw new Error('client.id is empty: `counterfoil clients list` shows it')
  const [identity, binding] = await Promise.all([importSigner(client.key), createSigner()])
  const exchange = createExchange({ issuer: home, clientId: client.id, identity, binding, machine })
  return {
    actFor(grantId, { scope = null, resource = null, origin } = {}) {
      const asked = { grantId, scope, resource }
      return createActing({ asked, origin: origin ?? originOf(resource ?? home), exchange, binding, machine })
    },
  }
}

/** A resource may have a name that leads nowhere. */
function originOf(resource: string): string | null {
  const url = URL.canParse(resource) ? new URL(resource) : null
  return url?.protocol === 'https:' || url?.protocol === 'http:' ? url.origin : null
}
