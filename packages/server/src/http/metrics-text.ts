export type Sample = { labels?: Readonly<Record<string, string>>; value: number }

/** One name with everything that is counted or measured under it. */
export type Family = { name: string; kind: 'counter' | 'gauge'; help: string; samples: readonly Sample[] }

/** The text format that Prometheus reads (version 0.0.4). A family without samples is named all the same. */
export function metricsText(families: readonly Family[]): string {
  return families
    .flatMap(({ name, kind, help, samples }) => [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} ${kind}`,
      ...samples.map(({ labels = {}, value }) => `${name}${labelsText(labels)} ${numberText(value)}`),
    ])
    .join('\n')
    .concat('\n')
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

/** A line break in a name that somebody chose would begin a line of its own. */
function escaped(value: string): string {
  return value
    .replace(/\\/g, '\\\\')
    .replace(/"/g, '\\"')
    .replace(/\r?\n|\r/g, '\\n')
}

function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value)
}
