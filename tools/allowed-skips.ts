// Why: a skipped test looks like a passed one. On CI a skip fails the run unless it is written down here with its
// reason, so leaving a test out is a change that somebody reviews.

export type AllowedSkip = { reason: RegExp; why: string }

export const allowedSkips: readonly AllowedSkip[] = [
  {
    reason: /shared vectors absent/i,
    why: 'The public signature vectors are data of others and lie beside the checkout, not in it; see vectors/README.md.',
  },
  {
    reason: /^(?:nginx|caddy|traefik) is not installed here$/,
    why: 'The configurations for proxies are run by the proxies themselves, which only some machines have.',
  },
  {
    reason: /systemd is not installed here/,
    why: 'The unit is checked by systemd itself, which only some machines have.',
  },
  {
    reason: /^there is no curl 7\.82 or newer here$/,
    why: 'The commands of the first pages are run by curl itself, which only some machines have.',
  },
  {
    reason: /^there is no Deno and no Bun for this machine in the registry$/,
    why: 'The compiled verifier is run on both where they are to be had as packages, and on Node everywhere.',
  },
]
