/**
 * A coded "no": of the server, with the code of docs/errors.md, or of this browser (`status` 0): `context_insecure`,
 * `storage_unavailable`, `binding_refused`. A network that does not answer is not a refusal but fetch's own `TypeError`.
 */
export class Refusal extends Error {
  readonly code: string
  /** The HTTP status; 0 where no server was asked. */
  readonly status: number
  readonly retryAfterSeconds: number | null

  constructor(given: { code: string; status: number; message: string; retryAfterSeconds?: number | null }) {
    super(given.message)
    this.name = 'Refusal'
    this.code = given.code
    this.status = given.status
    this.retryAfterSeconds = given.retryAfterSeconds ?? null
  }
}

export function refuse(code: string, message: string): never {
  throw new Refusal({ code, status: 0, message })
}

/** All that a refused answer says of itself: `code` of a problem, OAuth's `error`, the challenge. It stays readable. */
export async function codesOf(response: Response): Promise<unknown[]> {
  const { code, error } = await readJson(response.clone())
  const challenges = response.headers.get('www-authenticate') ?? ''
  return [code, error, ...[...challenges.matchAll(/error="([^"]+)"/g)].map(([, named]) => named)]
}

/** The refusal that an answer stands for. */
export async function refusalOf(response: Response): Promise<Refusal> {
  const { title, error_description: description } = await readJson(response.clone())
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
  return new Refusal({
    code: String((await codesOf(response)).find((code) => code !== undefined) ?? 'unknown'),
    status: response.status,
    message: String(title ?? description ?? `The server answered ${response.status}.`),
    retryAfterSeconds: Number.isFinite(seconds) ? seconds : null,
  })
}

/** An empty record for whatever is not a JSON object. An answer that was torn off on its way is thrown. */
export async function readJson(response: Response): Promise<Record<string, unknown>> {
  if (!/json/.test(response.headers.get('content-type') ?? '')) return {}
  const text = await response.text()
  try {
    return { ...JSON.parse(text) }
  } catch {
    return {}
  }
}
