import type { Route } from './route.ts'

/** Tells whether a path is one of these routes', for an application that has paths of its own beside them. */
export function pathsOf(routes: readonly Pick<Route, 'path'>[]): (path: string) => boolean {
  const paths = [...new Set(routes.map(({ path }) => path))].filter((path) => path !== '/')
  const exact = new Set(paths.filter((path) => !path.includes(':')))
  const patterns = paths
    .filter((path) => path.includes(':'))
    .map((path) => path.replaceAll('.', '\\.').replaceAll(/:\w+/g, '[^/]+'))
  const pattern = new RegExp(`^(?:${patterns.join('|')})$`)
  return (path) => exact.has(path) || (patterns.length > 0 && pattern.test(path))
}
