export {
  type AccessTokenClaims,
  checkAccessToken,
  type ExpectedToken,
  longestActorChain,
  parseAccessToken,
  proveAccessToken,
  type UnprovenToken,
} from './access-token.ts'
export { decodeBase64url, encodeBase64url } from './base64url.ts'
export { type Cache, createCache } from './cache.ts'
export type { Caller, CallerSession, Carrier } from './caller.ts'
export { challengeOf } from './challenge.ts'
export {
  type Admission,
  admit,
  type Carried,
  type Checker,
  callerOf,
  createChecker,
  type Entry,
  find,
  isFresh,
  type Look,
  look,
  type Remembered,
  remember,
  restartChecker,
} from './checker.ts'
export {
  type Credential,
  carriesSessionCookie,
  readCookie,
  readCredential,
  sessionCookieName,
} from './credentials.ts'
export { checkSignature, importVerificationKey } from './cryptography.ts'
export { isGrantOver, judge, type StatementKeys } from './ends.ts'
export {
  cookieStatementSeconds,
  type FeedEntry,
  type FeedKind,
  feedKey,
  feedKinds,
  feedWindowSeconds,
  keysKey,
  printOf,
  skewSeconds,
} from './feed.ts'
export { type GuardedRequest, guard, provesSameOrigin } from './guard.ts'
export {
  credentialOf,
  guardIncoming,
  headerOf,
  type IncomingRequest,
  type OwnOrigins,
  proofOf,
  sentHeader,
} from './incoming.ts'
export { isJsonObject, type JsonLimits, type JsonObject, type JsonValue, parseJsonObject } from './json.ts'
export { type Jws, parseJws, readPayload } from './jws.ts'
export { type KeySet, parseKeySet } from './key-set.ts'
export type { RouteOptions } from './limit.ts'
export type { LogLine } from './machine.ts'
export { type ExpectedProof, type Proof, requireScheme, type ShownProof } from './proof.ts'
export { createProofCheck, type ProofCheck } from './proof-check.ts'
export { proofAlgorithms } from './proof-key.ts'
export type { SignatureAlgorithm, VerificationKey } from './public-key.ts'
export { Refusal, type RefusalEntry, refuse, type VerifierRefusalCode, verifierRefusals } from './refusal.ts'
export type { Client } from './requests.ts'
export { demand, type Requirements } from './required.ts'
export { cookieRights, keysOf, type Rights, type Statement, statementOf, tokenRights } from './statement.ts'
export { beat, type Instant, type Steady, stamp, startSteady, steadyAt, wallSeconds } from './steady.ts'
export { createVerifier, type Verifier, type VerifierOptions, type VerifierStatus } from './verifier.ts'
export {
  ageOf,
  createView,
  type Snapshot,
  stepView,
  type View,
  type ViewEffect,
  type ViewEvent,
} from './view.ts'
export {
  mostCookies,
  readLog,
  readMessage,
  readSnapshot,
  readStatement,
  readStatements,
  type StreamMessage,
  writeEntries,
  writeMessage,
  writeStatement,
  writeStatements,
} from './wire.ts'
