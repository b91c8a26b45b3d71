import type { SystemTx } from '../database/control-plane.js';
import { tableRef } from '../model/ddl/table-ref.js';
import type { Entity, TenantHome } from '../model/entity.js';
import { LOCK_TIMEOUT_MS } from './patiently.js';

/**
 * The lock that keeps away vacuum and other definitions, and nobody who reads or writes: so there is time to wait for it.
 * Postgres sends an autovacuum away for whoever has waited for a second (`deadlock_timeout`), and never for one who gives up
 * after a tenth of it: without this, a large table could not be locked for as long as it is vacuumed.
 */

const QUIET_TIMEOUT_MS = 1_500;

/** Where somebody has that lock, waits until nobody has. Then the lock timeout is again that of `patiently`. */
export async function lockQuietly(tx: SystemTx, home: TenantHome, entity: Entity): Promise<void> {
  const held = await tx.run({
    text: `select
from pg_locks as held
join pg_class as t on t.oid = held.relation
join pg_namespace as n on n.oid = t.relnamespace
where n.nspname = $1
  and t.relname = $2
  and held.database = (select oid from pg_database where datname = current_database())
  and held.mode = 'ShareUpdateExclusiveLock'
  and held.granted
  and held.pid <> pg_backend_pid()`,
    values: [home.schema, entity.table],
  });
  if (held.length === 0) return;
  await waitQuietly(tx);
  await tx.asOwner(home, [`lock table ${tableRef(home, entity)} in share update exclusive mode`]);
  await tx.manager.query(`set local lock_timeout = '${LOCK_TIMEOUT_MS}ms'`);
}

/** For a statement whose own lock is that one. */
export async function waitQuietly(tx: SystemTx): Promise<void> {
  await tx.manager.query(`set local lock_timeout = '${QUIET_TIMEOUT_MS}ms'`);
}
