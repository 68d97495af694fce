export type { MailKind } from './letter.ts'
export { createMail, type Mail } from './operations.ts'
export { mailboxRoutes } from './routes.ts'
