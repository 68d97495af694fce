export type { Ending, FeedKind, Receipt } from './feed.ts'
export { createFeed, type Feed } from './operations.ts'
export { feedRoutes } from './routes.ts'
