export type { Ending, FeedKind } from './feed.ts'
export { createFeed, type Feed } from './operations.ts'
