export { assertionAlgorithms } from './assertion.ts'
export {
  clientMethods,
  firstPartyClient,
  type ProvenClient,
  type RegisteredClient,
  readScope,
} from './client.ts'
export type { ShownClient } from './credentials.ts'
export { type Clients, createClients } from './operations.ts'
