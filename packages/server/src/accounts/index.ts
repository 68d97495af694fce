export { type DeviceOwner, knownDevice, rememberDevice } from './device.ts'
export { parseEmail } from './email.ts'
export { type Accounts, createAccounts } from './operations.ts'
export type { Account } from './store.ts'
