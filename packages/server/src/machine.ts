import type { Instant } from '@counterfoil/verifier'

/**
 * What the rooms may ask of the machine. `node/` implements it; tests set it by hand.
 * No room reads the time, draws randomness or touches a key in any other way.
 */
export type Clock = {
  /** Whole seconds since 1970, rounded down: a statement may end early, never late. */
  now(): number
}

/** A clock that ages can be measured with, too. */
export type Watch = Clock & { instant(): Instant }

export type Entropy = {
  bytes(count: number): Uint8Array
  /** 16 random bytes as base64url (22 characters): an id that is never used twice. */
  id(): string
}

/** One key per purpose is derived from the root secret; a key of one purpose never serves another. */
export type Purpose =
  | 'cookie'
  | 'device'
  | 'sign_up'
  | 'refresh_tag'
  | 'successor'
  | 'mail_link'
  | 'signing_key'
  | 'limit'
  | 'feed_position'
  | 'grant_request'
  | 'nonce'

export type Secrets = {
  /** SHA-256 as base64url. For values with 128 bits of randomness or more, never for passwords. */
  hash(value: string | Uint8Array): string
  /** HMAC-SHA256 (32 bytes) under the purpose's key. Parts are length-prefixed, so they cannot run into each other. */
  derive(purpose: Purpose, ...parts: (string | Uint8Array)[]): Uint8Array
  /** base64url of `body` followed by the first 16 bytes of its tag. */
  seal(purpose: Purpose, body: Uint8Array): string
  /** The body of a sealed value of exactly `length` body bytes, or `null`: wrong length, alphabet, trailing bits or tag. Constant time. */
  open(purpose: Purpose, sealed: string, length: number): Uint8Array | null
  /** Constant-time comparison. */
  equal(a: string, b: string): boolean
  /** AES-256-GCM under the purpose's key; `context` is authenticated, so a value cannot be moved to another row. */
  wrap(purpose: Purpose, plain: string, context: string): string
  /** The plain text, or an `Error` that says the root secret does not fit. */
  unwrap(purpose: Purpose, wrapped: string, context: string): string
}

/** argon2id behind a gate: a few at a time, a bounded queue, a refusal (`busy`) beyond it. */
export type PasswordHasher = {
  hash(password: string): Promise<string>
  /** `false` for a wrong password and for a stored string that we cannot read or whose cost is out of bounds. */
  verify(stored: string, password: string): Promise<boolean>
  /** Of the current cost; nobody knows its password. What is checked where there is no account. */
  readonly nobody: string
  /** Whether a stored string was made with other parameters than today's. */
  isOutdated(stored: string): boolean
  load(): { running: number; waiting: number }
}

/** Makes signing keys and signs with them. A key has exactly one algorithm. */
export type Signing = {
  /** `publicJwk` carries `kid` (RFC 7638 thumbprint), `alg` and `use`; `privateJwk` is JSON to be wrapped. */
  generate(algorithm: SigningAlgorithm): Promise<{ publicJwk: Record<string, string>; privateJwk: string }>
  /** A function that signs the given text; JWS form (RFC 7518 3.4 for ES256). */
  load(privateJwk: string, algorithm: SigningAlgorithm): (input: string) => Uint8Array
}

export type SigningAlgorithm = 'ES256' | 'Ed25519' | 'RS256'

/** Deflated, in the zlib format (RFC 1950), as small as it gets. */
export type Compress = (bytes: Uint8Array) => Promise<Uint8Array>

/** One mail, ready for a transport. `to` is a single address that was validated when it came in. */
export type Letter = { to: string; subject: string; text: string; html: string }

/** Resolves once somebody else has taken responsibility for the mail; throws otherwise. */
export type Transport = {
  send(letter: Letter): Promise<void>
  /** Lets go of connections; called when the server stops. */
  close?(): void
}

export type Log = {
  info(message: string, fields?: Record<string, unknown>): void
  error(message: string, error: unknown, fields?: Record<string, unknown>): void
}

/** For whose sake the database is asked. */
export type Cause = 'request' | 'feed' | 'chore' | 'start' | 'scrape'

/** What the database was asked, counted where it is sent. */
export type Statements = {
  /** What is asked within, however late, is asked for this cause; outside of all it is asked for a request. */
  during<Result>(cause: Cause, work: () => Result): Result
  /** What is asked for now. */
  cause(): Cause
  note(): void
  counts(): Readonly<Record<Cause, number>>
}

/** In seconds: how late the process came to what it had to do. */
export type LoopDelay = { median: number; slow: number; worst: number }

export type Machine = {
  readonly clock: Watch
  readonly entropy: Entropy
  readonly secrets: Secrets
  /** The second root secret, read only in the moment in which the reserve key is made or needed. */
  readonly reserveSecrets: (() => Promise<Secrets>) | null
  readonly hasher: PasswordHasher
  readonly signing: Signing
  readonly compress: Compress
  /** The passwords that attackers try first, in lower case. Read when it is first asked for. */
  readonly commonPasswords: () => ReadonlySet<string>
  readonly log: Log
  readonly statements: Statements
  readonly loopDelay: () => LoopDelay | null
}
