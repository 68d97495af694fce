export { deviceLabel } from './device-label.ts'
export { createSessions, type Sessions } from './operations.ts'
export { type ShowAccount, sessionPages, showAccount } from './pages.ts'
export { sessionRoutes } from './routes.ts'
export {
  type Drawn,
  lastEnd,
  lastTokenEnd,
  requireShown,
  type SessionRecord,
  type ShownSession,
  showSession,
} from './session.ts'
export { ago, day } from './views.ts'
