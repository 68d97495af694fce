export { type Caller, Refusal, type Requirements } from '@counterfoil/verifier'
export type {
  Adopt,
  Adoptable,
  AdoptOptions,
  AskedGrant,
  Auth,
  AuthOptions,
  CheckOptions,
  Remote,
} from './contract.ts'
export { createAuth } from './create-auth.ts'
export type { Letter, Transport } from './machine.ts'
