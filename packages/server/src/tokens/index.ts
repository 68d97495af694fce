export { createKeys, type Keys, type ListedKey } from './key-operations.ts'
export { createTokens, type TokenPair, type Tokens } from './operations.ts'
export { createProofs, type Proofs } from './proofs.ts'
export { tokenRoutes } from './routes.ts'
