export { createExchanges, type Exchanges } from './exchange-operations.ts'
export { createGrants, type Grants } from './operations.ts'
export { grantPages, showGrants } from './pages.ts'
export { grantRoutes } from './routes.ts'
