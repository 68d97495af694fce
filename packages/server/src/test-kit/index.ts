export type { HandClock } from './hand-clock.ts'
export { createTestAuth, type TestAuth, type TestAuthOptions } from './test-auth.ts'
export type { Forgery, SentHeaders, Visitor } from './visitor.ts'
