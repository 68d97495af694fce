const longest = 300

export type Redaction = {
  /** From now on this text does not show. */
  hide(secret: string | null): void
  /** Fit for a terminal and a report: no secret, no control characters, not long. */
  clean(text: string): string
}

/** What is shorter hides too much else; the password is hidden however short. */
const shortest = 6

export function startRedaction(password: string): Redaction {
  const secrets = new Set<string>()
  const add = (secret: string) => {
    secrets.add(secret)
    secrets.add(encodeURIComponent(secret.toWellFormed()))
    secrets.add(JSON.stringify(secret).slice(1, -1))
  }
  if (password !== '') add(password)
  return {
    hide(secret) {
      if (secret !== null && secret.length >= shortest) add(secret)
    },
    clean(text) {
      let safe = text.slice(0, 20_000)
      for (const secret of [...secrets].sort((a, b) => b.length - a.length)) {
        safe = safe.replaceAll(secret, '[redacted]')
      }
      // A token that the target made up by itself is nobody's business either.
      safe = safe
        .replace(/\beyJ[A-Za-z0-9_.-]{10,}/g, '[redacted]')
        .replace(/[A-Za-z0-9_-]{32,}/g, '[redacted]')
      safe = safe.replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]+/g, ' ').toWellFormed()
      return safe.length > longest ? `${safe.slice(0, longest)}…` : safe
    },
  }
}
