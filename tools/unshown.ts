// Why: a block that no test runs is a promise that nobody keeps, so each is written down with its reason. The list only
// gets shorter: put the code into a file that a test runs, and show it from there.

export type Unshown = { page: string; blocks: number; why: string }

export const unshown: readonly Unshown[] = []
