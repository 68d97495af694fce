// Why: a stranger reads in order, so the order is written down by hand. A document that is in no section is a
// problem (`check-site.ts`): put it where a reader would look for it.

export type Section = { title: string; pages: readonly string[] }

export const sections: readonly Section[] = [
  {
    title: 'Start here',
    pages: [
      'README.md',
      'docs/two-ways.md',
      'docs/tour.md',
      'docs/model.md',
      'examples/README.md',
      'examples/ten-lines/README.md',
      'examples/frameworks/README.md',
      'examples/bank/README.md',
      'examples/testing/README.md',
      'examples/forward-auth/README.md',
      'examples/cluster/README.md',
    ],
  },
  {
    title: 'Tasks',
    pages: ['docs/protect.md', 'docs/grants.md', 'docs/browser.md', 'docs/testing.md'],
  },
  {
    title: 'Running it',
    pages: ['docs/deploy.md', 'docs/policy.md', 'docs/metrics.md', 'docs/scale.md', 'deploy/README.md'],
  },
  {
    title: 'Reference',
    pages: [
      'docs/http.md',
      'docs/errors.md',
      'docs/feed.md',
      'docs/dpop.md',
      'docs/status-list.md',
      'packages/server/README.md',
      'packages/verifier/README.md',
      'packages/browser/README.md',
      'vectors/README.md',
    ],
  },
  {
    title: 'Why believe it',
    pages: [
      'docs/threats.md',
      'SECURITY.md',
      'docs/attack.md',
      'docs/dependencies.md',
      'lab/README.md',
      'lab/sim/README.md',
      'docs/decisions/0001-one-session-two-carriers.md',
      'docs/decisions/0002-rotation-repeats.md',
      'docs/decisions/0003-guard-by-headers.md',
      'docs/decisions/0004-mail-links-from-the-root-secret.md',
    ],
  },
  {
    title: 'The house',
    pages: [
      'CHANGELOG.md',
      'CONTRIBUTING.md',
      'tools/README.md',
      ...[
        'accounts',
        'adapters',
        'attack',
        'carriers',
        'cli',
        'clients',
        'db',
        'feed',
        'grants',
        'http',
        'limits',
        'mail',
        'node',
        'oauth',
        'passwords',
        'sessions',
        'test-kit',
        'tokens',
      ].map((room) => `packages/server/src/${room}/README.md`),
    ],
  },
]
