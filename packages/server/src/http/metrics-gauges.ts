import { ageOf, type Checker } from '@counterfoil/verifier'
import type { Feed, Listeners } from '../feed/index.ts'
import type { Machine } from '../machine.ts'
import type { Family, Sample } from './metrics-text.ts'

type Needs = {
  machine: Pick<Machine, 'clock' | 'hasher' | 'statements' | 'loopDelay' | 'log'>
  checker: Checker
  feed: Feed
  /** Who follows the feed, as the database says; bounded. */
  readListeners(): Promise<Listeners>
}

/** What is measured at the moment of asking. Where the database does not answer, what it would tell is missing. */
export async function readGauges(needs: Needs): Promise<Family[]> {
  const { machine, checker } = needs
  const load = machine.hasher.load()
  return [
    ...statementFamilies(machine.statements.counts()),
    {
      ...gauge('counterfoil_cache_entries', 'Credentials kept in memory.'),
      samples: (['cookies', 'tokens'] as const).map((carried) => ({
        labels: { carried },
        value: checker[carried].size,
      })),
    },
    {
      ...gauge('counterfoil_hashing_running', 'Passwords being hashed.'),
      samples: [{ value: load.running }],
    },
    {
      ...gauge('counterfoil_hashing_waiting', 'Passwords that wait to be hashed.'),
      samples: [{ value: load.waiting }],
    },
    {
      ...gauge('counterfoil_event_loop_delay_seconds', 'How late this process was, since it was last asked.'),
      samples: delaySamples(machine.loopDelay()),
    },
    ...feedFamilies(needs),
    ...listenerFamilies(await listenersOrNone(needs), machine.clock.now()),
  ]
}

function statementFamilies(counts: Readonly<Record<string, number>>): Family[] {
  return [
    {
      name: 'counterfoil_db_statements_total',
      kind: 'counter',
      help: 'Statements that were sent to the database, by what they were for.',
      samples: Object.entries(counts).map(([cause, value]) => ({ labels: { cause }, value })),
    },
  ]
}

function delaySamples(delay: ReturnType<Machine['loopDelay']>): Sample[] {
  if (delay === null) return []
  const { median, slow, worst } = delay
  return [
    { labels: { quantile: '0.5' }, value: median },
    { labels: { quantile: '0.99' }, value: slow },
    { labels: { quantile: '1' }, value: worst },
  ]
}

function feedFamilies({ feed, checker, machine }: Needs): Family[] {
  const { epoch, position } = feed.hub.reached()
  return [
    {
      ...gauge('counterfoil_feed_epoch', 'Which life of the database this is.'),
      samples: [{ value: epoch }],
    },
    { ...gauge('counterfoil_feed_position', 'Last position that was read.'), samples: [{ value: position }] },
    {
      ...gauge('counterfoil_feed_age_seconds', 'How old what this server knows of the feed may be.'),
      samples: [{ value: ageOf(checker.view, machine.clock.instant()) / 1000 }],
    },
  ]
}

const noListeners: Listeners = { servers: 0, verifiers: 0, listed: [] }

async function listenersOrNone({ readListeners, machine }: Needs): Promise<Listeners | null> {
  return readListeners().catch((error: unknown) => {
    machine.log.error('who follows the feed could not be read', error)
    return null
  })
}

function listenerFamilies(read: Listeners | null, now: number): Family[] {
  const { servers, verifiers, listed } = read ?? noListeners
  const counts = [
    { labels: { kind: 'server' }, value: servers },
    { labels: { kind: 'verifier' }, value: verifiers },
  ]
  const each = (value: (one: Listeners['listed'][number]) => number): Sample[] =>
    listed.map((one) => ({ labels: { kind: one.kind, name: one.name, id: one.id }, value: value(one) }))
  return [
    {
      ...gauge(
        'counterfoil_feed_listeners',
        'Servers and verifiers that followed the feed in the last minutes.',
      ),
      samples: read === null ? [] : counts,
    },
    {
      ...gauge('counterfoil_feed_listener_position', 'Last position that one of them has confirmed.'),
      samples: each(({ applied }) => applied),
    },
    {
      ...gauge(
        'counterfoil_feed_listener_age_seconds',
        'For how long no heartbeat has left for one of them: what it knows is at least so old.',
      ),
      // One that has just come may trust itself for a moment more.
      samples: each(({ heard_at }) => Math.max(0, now - heard_at)),
    },
    {
      ...gauge(
        'counterfoil_feed_listener_lapse_seconds',
        'For how long it may still trust itself; below 0: it cannot.',
      ),
      samples: each(({ lapses_at }) => lapses_at - now),
    },
  ]
}

function gauge(name: string, help: string): Omit<Family, 'samples'> {
  return { name, kind: 'gauge', help }
}
