// Why: a block that no test runs is a promise that nobody keeps, so each is written down with its reason. The list only
// gets shorter: put the code into a file that a test runs, and show it from there.

export type Unshown = { page: string; blocks: number; why: string }

const elsewhere =
  'What has to be there first (a database, a service, a proxy) is not there in a test of the page.'
const byHand = 'A way to look at something by hand, with a running program; the program itself is tested.'

export const unshown: readonly Unshown[] = [
  { page: 'docs/deploy.md', blocks: 1, why: elsewhere },
  { page: 'docs/events.md', blocks: 1, why: byHand },
  {
    page: 'docs/tasks/postgresql.md',
    blocks: 1,
    why: `${elsewhere} The command is tested in cli/copy.test.ts.`,
  },
]
