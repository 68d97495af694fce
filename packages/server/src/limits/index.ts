export type { Limit } from './gcra.ts'
export { clientAddress, networkOf } from './network.ts'
export { type Count, createLimits, type Limits } from './operations.ts'
