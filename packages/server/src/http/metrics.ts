/** Counts for operators in the Prometheus text format. Labels are route patterns and codes, never what anyone sent. */
export type Metrics = {
  answered(route: string, status: number): void
  refused(code: string): void
  text(): string
}

export function createMetrics(): Metrics {
  const answers = new Map<string, number>()
  const refusals = new Map<string, number>()
  const add = (counts: Map<string, number>, key: string) => counts.set(key, (counts.get(key) ?? 0) + 1)

  return {
    answered: (route, status) => add(answers, `route="${route}",status="${status}"`),
    refused: (code) => add(refusals, `code="${code}"`),
    text: () =>
      [
        ...family('counterfoil_answers_total', 'Answers by route and status.', answers),
        ...family('counterfoil_refusals_total', 'Refusals by their code.', refusals),
        '',
      ].join('\n'),
  }
}

function family(name: string, help: string, counts: ReadonlyMap<string, number>): string[] {
  const lines = [...counts].map(([labels, count]) => `${name}{${labels}} ${count}`)
  return [`# HELP ${name} ${help}`, `# TYPE ${name} counter`, ...lines]
}
