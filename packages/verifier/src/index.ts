export { type AccessTokenClaims, checkAccessToken, type ExpectedToken } from './access-token.ts'
export { decodeBase64url, encodeBase64url } from './base64url.ts'
export type { Caller, CallerSession, Carrier } from './caller.ts'
export {
  type Credential,
  carriesSessionCookie,
  readCookie,
  readCredential,
  sessionCookieName,
} from './credentials.ts'
export { type GuardedRequest, guard, provesSameOrigin } from './guard.ts'
export { isJsonObject, type JsonLimits, type JsonObject, type JsonValue, parseJsonObject } from './json.ts'
export { type Jws, parseJws, readPayload } from './jws.ts'
export { type KeySet, parseKeySet } from './key-set.ts'
export { Refusal, type RefusalEntry, refuse, type VerifierRefusalCode, verifierRefusals } from './refusal.ts'
export {
  checkSignature,
  importVerificationKey,
  type SignatureAlgorithm,
  type VerificationKey,
} from './signatures.ts'
