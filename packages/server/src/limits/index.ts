export type { Limit } from './gcra.ts'
export { clientAddress, networkOf } from './network.ts'
export { createLimits, type Limits } from './operations.ts'
