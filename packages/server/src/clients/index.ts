export { firstPartyClient } from './client.ts'
export { type Clients, createClients } from './operations.ts'
