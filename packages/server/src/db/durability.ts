import { sql } from 'kysely'
import type { Engine } from './open.ts'
import type { Db } from './schema.ts'

type Found = { commits: string; standbys: string; fsync: string; replicas: number }

/**
 * How what was acknowledged could be lost here, in words for the operator; nothing where nothing is known of. As far as a role
 * without privileges may look: replicas that connect later, or that read the log from elsewhere, are not seen.
 */
export async function readRisks(db: Db, engine: Engine): Promise<string[]> {
  if (engine !== 'postgres') return []
  const { rows } = await sql<Found>`select
    current_setting('synchronous_commit') as commits,
    current_setting('synchronous_standby_names') as standbys,
    current_setting('fsync') as fsync,
    (select count(*) from pg_stat_replication) as replicas`.execute(db)
  return rows.flatMap(risksOf)
}

export function risksOf({ commits, standbys, fsync, replicas }: Found): string[] {
  const risks: string[] = []
  if (fsync === 'off') risks.push('fsync is off: a crash may lose endings that were acknowledged')
  // It is set for each connection, so something in between hands out connections that others made.
  if (!['on', 'remote_apply'].includes(commits))
    risks.push(
      `synchronous_commit is ${commits} on our own connections: a crash or a failover may lose endings that were acknowledged. A pooler has to be in session mode`,
    )
  if (replicas > 0 && standbys.trim() === '')
    risks.push(
      `${replicas} replica(s) follow, and commits wait for none of them: a failover may lose endings that were acknowledged. Set synchronous_standby_names`,
    )
  return risks
}
