import type { Route } from './route.ts'

/** Tells whether a path is one of these routes', for an application that has paths of its own beside them. */
export function pathsOf(routes: readonly Pick<Route, 'path'>[]): (path: string) => boolean {
  const paths = [...new Set(routes.map(({ path }) => path))].filter((path) => path !== '/')
  // Most requests of an application share not even the beginning with one of ours.
  const firsts = new Set(paths.map(firstSegment))
  const exact = new Set(paths.filter((path) => !path.includes(':')))
  const patterns = paths
    .filter((path) => path.includes(':'))
    .map((path) => path.replaceAll('.', '\\.').replaceAll(/:\w+/g, '[^/]+'))
  const pattern = new RegExp(`^(?:${patterns.join('|')})$`)
  return (path) =>
    firsts.has(firstSegment(path)) && (exact.has(path) || (patterns.length > 0 && pattern.test(path)))
}

function firstSegment(path: string): string {
  const end = path.indexOf('/', 1)
  return end === -1 ? path : path.slice(0, end)
}
