import type { Checker } from './checker.ts'
import type { Machine } from './machine.ts'
import { stamp } from './steady.ts'

/** What the server said, and when we asked, on the steady clock: it is as good as what was true then. */
export type Said<Value> = { readonly value: Value; readonly askedAt: number }

type Question<Value> = {
  readonly credential: string
  readonly since: number
  /** When it was sent; null while it waits. */
  askedAt: number | null
  readonly said: Promise<Said<Value> | null>
  answer(said: Said<Value> | null): void
}

const mostWaiting = 10_000
/** Milliseconds that a question may wait for its turn. */
const waitsFor = 2_000

/**
 * Questions to the server about credentials, one at a time for each. They are asked at once, and those that come while enough
 * are on their way wait and go together, in the order in which they came: a made-up credential costs a line of a request, and
 * nobody is turned away for it. `send` answers null where the server could not be asked, and so does `ask`: never a guess.
 */
export function createQuestions<Value>(given: {
  checker: Checker
  machine: Machine
  /** Requests on their way at once. Where one asks about many, few: each is answered soon, and the next ones are full. */
  mostOpen: number
  /** How many one request can ask about. */
  mostTogether: number
  /** One answer for each, in the same order. */
  send: (credentials: readonly string[]) => Promise<readonly Value[] | null>
}): (credential: string, maxStale: number) => Promise<Said<Value> | null> {
  const { checker, machine, mostOpen, mostTogether, send } = given
  const running = new Map<string, Question<Value>>()
  let waiting: Question<Value>[] = []
  let open = 0

  const now = () => stamp(checker.view.steady, machine.now())

  function conclude(question: Question<Value>, said: Said<Value> | null): void {
    if (running.get(question.credential) === question) running.delete(question.credential)
    question.answer(said)
  }

  async function post(questions: readonly Question<Value>[]): Promise<void> {
    const { view } = checker
    const askedAt = now()
    for (const question of questions) question.askedAt = askedAt
    open++
    const values = await send(questions.map(({ credential }) => credential)).catch(() => null)
    open--
    for (const [index, question] of questions.entries()) {
      const value = values?.[index]
      // Another view has another clock, on which this instant means nothing.
      conclude(question, value === undefined || checker.view !== view ? null : { value, askedAt })
    }
    if (values === null) giveUp()
    postNext()
  }

  /** Whoever waits behind a question that nobody answers would wait as long for the same. */
  function giveUp(): void {
    const left = waiting
    waiting = []
    for (const question of left) conclude(question, null)
  }

  function postNext(): void {
    const { mono } = machine.now()
    while (open < mostOpen && waiting.length > 0) {
      const next = waiting.splice(0, mostTogether)
      const isLate = ({ since }: Question<Value>) => mono - since > waitsFor
      for (const question of next.filter(isLate)) conclude(question, null)
      const inTime = next.filter((question) => !isLate(question))
      if (inTime.length > 0) void post(inTime)
    }
  }

  function put(credential: string): Question<Value> {
    const { promise: said, resolve: answer } = withResolvers<Said<Value> | null>()
    const question = { credential, since: machine.now().mono, askedAt: null, said, answer }
    running.set(credential, question)
    waiting.push(question)
    postNext()
    return question
  }

  return function ask(credential, maxStale) {
    const shared = running.get(credential)
    const at = now()
    // What was asked too long ago for this route says too little, whenever the answer comes.
    if (shared !== undefined && at - (shared.askedAt ?? at) <= maxStale) return shared.said
    if (waiting.length >= mostWaiting) return Promise.resolve(null)
    return put(credential).said
  }
}

/** As Promise.withResolvers, which Node 20 does not have. */
function withResolvers<Result>(): { promise: Promise<Result>; resolve: (result: Result) => void } {
  let resolve: (result: Result) => void = () => {}
  const promise = new Promise<Result>((done) => {
    resolve = done
  })
  return { promise, resolve }
}
