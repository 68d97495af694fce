export { accountPages } from './account-pages.ts'
export { createPasswords, type Passwords } from './operations.ts'
export { passwordPages } from './pages.ts'
export { passwordRoutes } from './routes.ts'
