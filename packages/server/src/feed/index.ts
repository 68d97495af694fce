export type { Ending, FeedKind, Receipt } from './feed.ts'
export { type Listeners, readListeners } from './listener-store.ts'
export { createFeed, type Feed } from './operations.ts'
export { feedRoutes } from './routes.ts'
