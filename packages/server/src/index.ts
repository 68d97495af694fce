export { type Caller, Refusal } from '@counterfoil/verifier'
export type { Auth, AuthOptions, Remote } from './contract.ts'
export { createAuth } from './create-auth.ts'
export type { Letter, Transport } from './machine.ts'
