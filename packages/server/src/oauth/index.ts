export { createIntrospection } from './introspection-operations.ts'
export { createGrantTypes } from './operations.ts'
export { createRevoke } from './revocation-operations.ts'
export { oauthRoutes } from './routes.ts'
