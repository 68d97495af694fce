export { createExchanges, type Exchanges } from './exchange-operations.ts'
export { createGrants, type Grants } from './operations.ts'
export { grantRoutes } from './routes.ts'
