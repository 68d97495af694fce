import { Refusal, type RefusalEntry, verifierRefusals } from '@counterfoil/verifier'

/** Every coded "no" of the server. Codes are permanent; docs/errors.md explains each, and a tool compares the two. */
export const refusals = {
  ...verifierRefusals,
  sign_in_failed: { status: 401, message: 'The address and the password do not fit together.' },
  adoption_refused: {
    status: 401,
    message: 'What came from the other system is not taken here, or not any more. Sign in.',
  },
  password_wrong: { status: 403, message: 'The current password is not right.' },
  password_required: {
    status: 422,
    message: 'The link proves the mailbox. Choose a password to finish.',
  },
  password_too_short: {
    status: 422,
    message: 'The password is too short. A few words that do not belong together make a good one.',
  },
  password_too_long: { status: 422, message: 'A password has at most 1,024 characters.' },
  password_common: {
    status: 422,
    message: 'This password is on the lists that attackers try first. Choose another.',
  },
  password_malformed: {
    status: 422,
    message: 'The password holds characters that cannot be stored reliably.',
  },
  email_invalid: { status: 422, message: 'This is not an address that mail can be sent to.' },
  email_taken: { status: 409, message: 'There is an account with this address already.' },
  link_invalid: { status: 410, message: 'This link is not valid any more. Ask for a new one.' },
  grant_invalid: { status: 400, message: 'The refresh token is not valid, or not any more. Sign in again.' },
  grant_type_unsupported: { status: 400, message: 'This grant type is not offered.' },
  target_invalid: { status: 400, message: 'Tokens are not made for this resource.' },
  subject_invalid: {
    status: 400,
    message: 'This token cannot be exchanged, or not any more.',
  },
  scope_invalid: { status: 400, message: 'More scope was asked for than was granted.' },
  carrier_wrong: { status: 409, message: 'The session is not carried in the way that this needs.' },
  client_invalid: { status: 401, message: 'The client is not known, or did not prove itself.' },
  client_unauthorized: { status: 400, message: 'This client may not do that.' },
  log_forgotten: { status: 410, message: 'That part of the feed is not kept any more. Take a snapshot.' },
  grant_unknown: { status: 404, message: 'There is no such grant.' },
  grant_withdrawn: { status: 400, message: 'The grant was withdrawn. Ask the person for another one.' },
  grant_expired: { status: 400, message: 'The grant has expired. Ask the person for another one.' },
  grant_over: {
    status: 400,
    message: 'What the grant stood on has ended. Ask the person for another one.',
  },
  grant_too_long: { status: 422, message: 'A grant does not last that long. Ask for less time.' },
  grant_client_unfit: { status: 422, message: 'This client cannot act for anybody.' },
  grant_request_invalid: {
    status: 410,
    message: 'This question is not open any more. Go back to where you came from and start again.',
  },
  account_wrong: { status: 409, message: 'This was asked of another account. Sign in to that one.' },
  grants_full: { status: 409, message: 'The account has as many grants as it may. Withdraw one first.' },
  session_unknown: { status: 404, message: 'There is no such session in this account.' },
  input_invalid: { status: 400, message: 'The request does not have the expected form.' },
  input_too_large: { status: 413, message: 'The request is larger than this endpoint takes.' },
  media_type_wrong: { status: 415, message: 'This endpoint takes another content type.' },
  not_found: { status: 404, message: 'There is nothing at this address.' },
  method_wrong: { status: 405, message: 'This address does not take that method.' },
  too_many_attempts: { status: 429, message: 'Too many attempts. Wait a little, then try again.' },
  busy: { status: 503, message: 'Too much is asked for at this moment. Try again shortly.' },
  store_unavailable: {
    status: 503,
    message: 'The database cannot be reached at this moment. Try again shortly.',
  },
  broken: { status: 500, message: 'Something broke on our side. It has been logged.' },
} as const satisfies Record<string, RefusalEntry>

export type RefusalCode = keyof typeof refusals

export type RefusalExtra = { detail?: string; retryAfterSeconds?: number }

export function refusal(code: RefusalCode, extra: RefusalExtra = {}): Refusal {
  return new Refusal({ code, ...refusals[code], ...extra })
}

export function refuse(code: RefusalCode, extra: RefusalExtra = {}): never {
  throw refusal(code, extra)
}
