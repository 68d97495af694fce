/**
 * What is known of each server's idea of the time, and of the nonce it wants next (RFC 9449 8). A device's clock may
 * be hours off, and a proof is judged by the server's.
 */
export type Peers = {
  /** The server's time, in whole seconds; the device's until it was heard. */
  now(origin: string): number
  nonce(origin: string): string | undefined
  /** Takes time and nonce from an answer's headers, where script may read them. */
  hear(origin: string, headers: Headers): void
  /** The server says what time it is. */
  tell(origin: string, seconds: number): void
  /** By how many milliseconds the home server is ahead of the device. */
  ahead(): number
  /** What another tab of this device found, as long as this one has not heard the server itself. */
  suppose(milliseconds: number): void
}

export function createPeers(home: string, device: () => number): Peers {
  const aheads = new Map<string, number>()
  const nonces = new Map<string, string>()
  // A server that does not let script read its time is taken to have the home server's.
  const aheadOf = (origin: string) => aheads.get(origin) ?? aheads.get(home) ?? 0

  function tell(origin: string, seconds: number): void {
    if (Number.isFinite(seconds)) aheads.set(origin, seconds * 1000 - device())
  }

  return {
    now: (origin) => Math.floor((device() + aheadOf(origin)) / 1000),
    nonce: (origin) => nonces.get(origin),
    tell,
    hear(origin, headers) {
      tell(origin, Date.parse(headers.get('date') ?? '') / 1000)
      const nonce = headers.get('dpop-nonce')
      if (nonce !== null) nonces.set(origin, nonce)
    },
    ahead: () => aheadOf(home),
    suppose(milliseconds) {
      if (!aheads.has(home)) aheads.set(home, milliseconds)
    },
  }
}
