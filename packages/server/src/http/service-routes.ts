import type { Secrets } from '../machine.ts'
import { refuse } from '../refusals.ts'
import { assets } from './assets.ts'
import { type Family, metricsText } from './metrics-text.ts'
import { type Route, route } from './route.ts'
import { homeView } from './views.ts'

type Needs = {
  issuer: string
  /** The issuer is on localhost. */
  isLocal: boolean
  isDevelopment: boolean
  version: string
  readMetrics(): Promise<Family[]>
  metricsToken: string | null
  secrets: Secrets
  /** Throws where the store cannot be read, and while the server is about to stop. */
  checkReady(): Promise<void>
}

/** The front page, what it loads, and what operators ask. */
export function serviceRoutes(needs: Needs): Route[] {
  const { issuer, isLocal, isDevelopment: development, version, readMetrics, metricsToken, secrets } = needs
  const isOperator = (authorization: string | null) =>
    metricsToken !== null &&
    secrets.equal(secrets.hash(authorization ?? ''), secrets.hash(`Bearer ${metricsToken}`))

  return [
    route({
      method: 'GET',
      path: '/',
      kind: 'page',
      caller: 'optional',
      handle: ({ caller }) => ({
        status: 200,
        html: homeView({ signedIn: caller !== null, development, issuer, version }),
      }),
    }),
    route({
      method: 'GET',
      path: '/assets/:name',
      kind: 'open',
      caller: 'ignored',
      handle({ params }) {
        const asset = assets.get(`/assets/${params.name}`)
        if (asset === undefined) refuse('not_found')
        return { status: 200, keepSeconds: 31_536_000, text: asset }
      },
    }),
    route({
      method: 'GET',
      path: '/healthz',
      kind: 'open',
      caller: 'ignored',
      handle: () => ({ status: 200, json: { status: 'ok' } }),
    }),
    route({
      method: 'GET',
      path: '/readyz',
      kind: 'open',
      caller: 'ignored',
      async handle() {
        const isReady = await needs.checkReady().then(
          () => true,
          () => false,
        )
        return isReady
          ? { status: 200, json: { status: 'ready' } }
          : { status: 503, json: { status: 'not ready' } }
      },
    }),
    route({
      method: 'GET',
      path: '/metrics',
      kind: 'open',
      caller: 'ignored',
      async handle({ visitor, authorization }) {
        // A bare proxy on the same machine looks like loopback, so in production only the token counts.
        const isNear = isLocal && metricsToken === null && visitor.isLoopback
        if (!isNear && !isOperator(authorization)) refuse('not_found')
        return {
          status: 200,
          text: { body: metricsText(await readMetrics()), type: 'text/plain; version=0.0.4; charset=utf-8' },
        }
      },
    }),
  ]
}
