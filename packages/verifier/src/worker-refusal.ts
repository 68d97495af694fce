import { Refusal, type RefusalEntry } from './refusal.ts'

/** Every refusal that a worker can give. Codes are permanent, and those of the server where both say the same. */
export const workerRefusals = {
  grant_withdrawn: { status: 401, message: 'The user has withdrawn the grant.' },
  grant_expired: { status: 401, message: 'The grant has expired.' },
  grant_over: { status: 401, message: 'What the grant stood on has ended.' },
  grant_unknown: { status: 401, message: 'There is no such grant of this worker.' },
  grant_ended: { status: 401, message: 'The grant is not good any more.' },
  client_invalid: { status: 401, message: 'The server does not take the key of this worker.' },
  client_unauthorized: { status: 403, message: 'This worker may not act for anybody.' },
  scope_invalid: { status: 403, message: 'The grant does not reach that far.' },
  target_invalid: { status: 403, message: 'The grant is not for this resource.' },
  exchange_refused: { status: 400, message: 'The server does not exchange the grant.' },
  server_unavailable: { status: 503, message: 'The server cannot be asked at the moment. Try again later.' },
} as const satisfies Record<string, RefusalEntry>

export type WorkerRefusalCode = keyof typeof workerRefusals

const ends: ReadonlySet<string> = new Set<WorkerRefusalCode>([
  'grant_withdrawn',
  'grant_expired',
  'grant_over',
  'grant_unknown',
  'grant_ended',
])

/**
 * Whether an error says that a grant has ended: nothing that was to be done under it will ever be allowed, unless the user
 * gives another one. `server_unavailable` is the opposite: the same call may go through later.
 */
export function isEndOfGrant(error: unknown): error is Refusal {
  return error instanceof Refusal && ends.has(error.code)
}

/** Whether a name that the server sent is one of ours. Not `in`: that would take `toString`. */
export function isWorkerCode(name: unknown): name is WorkerRefusalCode {
  return typeof name === 'string' && Object.hasOwn(workerRefusals, name)
}

export function workerRefusal(
  code: WorkerRefusalCode,
  extra: { detail?: string; retryAfterSeconds?: number } = {},
): Refusal {
  return new Refusal({ code, ...workerRefusals[code], ...extra })
}
