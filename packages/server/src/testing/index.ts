export type { Report } from '../attack/index.ts'
export {
  createHub,
  type Epoch,
  entriesBetween,
  entriesWithin,
  type Hub,
  type HubEffect,
  type HubEvent,
  type LogRow,
  type Reached,
  stepHub,
} from '../feed/hub.ts'
export { type Listener, listen } from '../node/listen.ts'
export { createSecrets } from '../node/secrets.ts'
export {
  type RefreshToken,
  readRefreshToken,
  successorSecret,
  writeRefreshToken,
} from '../tokens/refresh-token.ts'
export {
  judgeRefresh,
  type PresentedRefresh,
  type RefreshState,
  type RotationRule,
  type Verdict,
} from '../tokens/rotation.ts'
export { type Agent, createAgent } from './agent.ts'
export { altered } from './altered.ts'
export { attackTarget } from './attack.ts'
export { assertionForm, type ClientKey, clientKey } from './client-key.ts'
export { dataFolder, type Ran, run, type ServerProcess, startServer } from './command.ts'
export { type OpenTestDatabase, onEachEngine, onPostgres, onSqlite, type TestDatabase } from './engines.ts'
export { basic, type FeedClient, type FeedListener, feedClient, type Heard } from './feed-client.ts'
export {
  accessTokenType,
  type Exchanged,
  exchangeGrantType,
  giveGrant,
  grantTokenType,
  type Terms,
  type Worker,
  workerAt,
} from './grants.ts'
export {
  goodPassword,
  type HouseOptions,
  openHouse,
  otherPassword,
  type TestHouse,
  type TokenAnswer,
} from './house.ts'
export {
  type BoundAnswer,
  type KeyHolder,
  keyHolder,
  type ProofAlgorithm,
  type ProofGiven,
  sendProven,
  signInBound,
  signJws,
} from './key-holder.ts'
export { createTestMachine, type HandClock, type HashCall, handClock, type TestMachine } from './machine.ts'
export { routeTable } from './route-table.ts'
export {
  archiveApi,
  callChain,
  ledgerApi,
  ordersApi,
  type Service,
  serviceAt,
  tokenFor,
} from './services.ts'
export { type SlowReads, slowReads } from './slow-reads.ts'
