import type { Carried, Look } from '@counterfoil/verifier'
import { Refusal } from '@counterfoil/verifier'
import type { Family } from './metrics-text.ts'

/** Counts for operators. Labels are route patterns, codes and words of ours, never what anyone sent. */
export type Metrics = {
  answered(route: string, status: number): void
  refused(code: string): void
  looked(carried: Carried, kind: Look['kind']): void
  /** The same function; what comes of each call is counted as a sign-in. */
  countingSignIns<Given, Begun>(signIn: (given: Given) => Promise<Begun>): (given: Given) => Promise<Begun>
  families(): Family[]
}

export function createMetrics(): Metrics {
  const answers = new Map<string, number>()
  const refusals = new Map<string, number>()
  const signIns = new Map<string, number>()
  // Plain numbers, since every request counts here.
  const looks = { cookies: { accept: 0, ask: 0, cold: 0 }, tokens: { accept: 0, ask: 0, cold: 0 } }
  const add = (counts: Map<string, number>, key: string) => counts.set(key, (counts.get(key) ?? 0) + 1)

  return {
    answered: (route, status) => add(answers, `${route} ${status}`),
    refused: (code) => add(refusals, code),
    looked(carried, kind) {
      looks[carried][kind] += 1
    },
    countingSignIns: (signIn) => async (given) => {
      try {
        const begun = await signIn(given)
        add(signIns, 'done')
        return begun
      } catch (error) {
        add(signIns, error instanceof Refusal ? error.code : 'broken')
        throw error
      }
    },
    families: () => [
      {
        ...counter('counterfoil_answers_total', 'Answers by route and status.'),
        samples: [...answers].map(([key, value]) => {
          const [route = '', status = ''] = key.split(' ')
          return { labels: { route, status }, value }
        }),
      },
      {
        ...counter('counterfoil_refusals_total', 'Refusals by their code.'),
        samples: [...refusals].map(([code, value]) => ({ labels: { code }, value })),
      },
      {
        ...counter('counterfoil_sign_ins_total', 'Sign-ins by what came of them.'),
        samples: [...signIns].map(([outcome, value]) => ({ labels: { outcome }, value })),
      },
      {
        ...counter('counterfoil_cache_lookups_total', 'Credentials looked up in memory, by what was found.'),
        samples: (['cookies', 'tokens'] as const).flatMap((carried) => [
          { labels: { carried, result: 'hit' }, value: looks[carried].accept },
          { labels: { carried, result: 'stale' }, value: looks[carried].ask },
          { labels: { carried, result: 'miss' }, value: looks[carried].cold },
        ]),
      },
    ],
  }
}

function counter(name: string, help: string): Omit<Family, 'samples'> {
  return { name, kind: 'counter', help }
}
