import {
  type Admission,
  admit,
  type Carried,
  type Checker,
  type Entry,
  find,
  type Instant,
  isFresh,
  type Statement,
  type StatementKeys,
  stepView,
  type ViewEffect,
  type ViewEvent,
} from '@counterfoil/verifier'
import { type Hub, type HubEffect, type HubEvent, stepHub } from 'counterfoil/house'

/**
 * What is tried: the production functions, and how the world around them does what they count on. A mutant is this record
 * with one thing changed.
 */
export type Core = {
  step(checker: Checker, event: ViewEvent, now: Instant): ViewEffect[]
  find(checker: Checker, given: { carried: Carried; credential: string }, now: Instant): Entry | null
  isFresh(checker: Checker, given: { entry: Entry; maxStale: number }, now: Instant): boolean
  admit(checker: Checker, given: Admitting, now: Instant): Admission
  stepHub(hub: Hub, event: HubEvent, now: Instant): HubEffect[]
  /** From when the end of a statement is counted. */
  countsFrom: 'read' | 'store'
  /** How positions are drawn: under the head's lock, or before the commit. */
  positions: 'head' | 'serial'
  /** Where another life of the database begins: far from all that any copy may have told, or where its own copy had stopped. */
  lives: 'apart' | 'counting_on'
  /** What a hub's beat proves: a write that was committed, or merely that somebody answers. */
  beat: 'write' | 'read'
  /**
   * How a node answers a question: by a reading after a write that was committed, from its memory of the last seconds, or by a
   * reading of whichever copy its connections still lead to.
   */
  answers: 'proven' | 'memory' | 'any_copy'
  /** How long ends are kept, where a life is that long; in seconds. */
  keeps(life: number): number
}

export type Admitting = {
  carried: Carried
  credential: string
  statement: Statement
  keys: StatementKeys
  askedAt: number
}

/** Clocks may be apart by this much, in seconds. */
export const skew = 30

export const production: Core = {
  step: ({ view }, event, now) => stepView(view, event, now),
  find: (checker, { carried, credential }, now) => find(checker, carried, credential, now),
  isFresh: ({ view }, { entry, maxStale }, now) => isFresh(view, entry, now, maxStale),
  admit,
  stepHub,
  countsFrom: 'read',
  positions: 'head',
  lives: 'apart',
  beat: 'write',
  answers: 'proven',
  keeps: (life) => life + skew,
}
