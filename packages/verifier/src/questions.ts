import type { Checker } from './checker.ts'
import type { Machine } from './machine.ts'
import { stamp } from './steady.ts'

/** What the server said, and when we asked, on the steady clock: it is as good as what was true then. */
export type Said<Value> = { readonly value: Value; readonly askedAt: number }

/** How many questions are on their way, of all kinds. */
export type Desk = { open: number }

const mostOpen = 500

/**
 * Questions to the server about credentials, one at a time for each. `send` answers null where the server could not be
 * asked, and so does `ask`: never a guess.
 */
export function createQuestions<Value>(given: {
  checker: Checker
  machine: Machine
  desk: Desk
  send: (credential: string) => Promise<{ readonly value: Value } | null>
}): (credential: string, maxStale: number) => Promise<Said<Value> | null> {
  const { checker, machine, desk, send } = given
  const running = new Map<string, { askedAt: number; said: Promise<Said<Value> | null> }>()

  async function begin(credential: string, askedAt: number): Promise<Said<Value> | null> {
    const { view } = checker
    desk.open++
    try {
      const said = await send(credential)
      // Another view has another clock, on which this instant means nothing.
      return said === null || checker.view !== view ? null : { value: said.value, askedAt }
    } finally {
      desk.open--
    }
  }

  return function ask(credential, maxStale) {
    const shared = running.get(credential)
    const askedAt = stamp(checker.view.steady, machine.now())
    // What was asked too long ago for this route says too little, whenever the answer comes.
    if (shared !== undefined && askedAt - shared.askedAt <= maxStale) return shared.said
    if (desk.open >= mostOpen) return Promise.resolve(null)
    const question = { askedAt, said: begin(credential, askedAt) }
    running.set(credential, question)
    const forget = () => {
      if (running.get(credential) === question) running.delete(credential)
    }
    question.said.then(forget, forget)
    return question.said
  }
}
