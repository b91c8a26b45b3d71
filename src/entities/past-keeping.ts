import type { SystemTx } from '../database/control-plane.js';
import { KEEPS_NOTHING, type Keeps, type TenantHome } from '../model/entity.js';
import { granuleEnd } from '../model/past/granule.js';
import { createPartition, createPastTable, type PastBounds, type PastKind, pastTable } from '../model/past/past-tables.js';

/**
 * Until another instance has heard of the definition it changes records without keeping what they were: milliseconds, and a
 * minute when its notification was lost. The history of an entity that was there before begins when that is over, so that it has
 * no gap.
 */
const UNHEARD = "interval '1 minute'";

/**
 * What a definition asks to be kept of the past, put in place in the transaction of the definition. The tables are the store's
 * own, like its registry: no document names them, and no plan has to change them. They come when an entity first asks for them
 * and go with the entity; what was kept while it did not ask any more is out of reach until its retention is over, or until it
 * asks again.
 * @param keeps `before` is null for an entity that is new
 */
export async function keepPast(
  tx: SystemTx,
  home: TenantHome,
  entityId: string,
  keeps: { readonly before: Keeps | null; readonly after: Keeps },
): Promise<void> {
  const { after } = keeps;
  const before = keeps.before ?? KEEPS_NOTHING;
  const since = `clock_timestamp()${keeps.before ? ` + ${UNHEARD}` : ''}`;
  const change = async (kind: PastKind, isKept: boolean, days: number | null): Promise<void> => {
    if (isKept) await keep(tx, home, { tenantId: home.tenantId, entityId, kind }, days, since);
    else await stopKeeping(tx, { tenantId: home.tenantId, entityId, kind });
  };
  if (before.history !== after.history || before.historyDays !== after.historyDays) {
    await change('history', after.history, after.historyDays);
  }
  if (before.deleted !== after.deleted || before.deletedDays !== after.deletedDays) {
    await change('deleted', after.deleted, after.deletedDays);
  }
}

/** Days stay as they were: they are how long what is there has left. */
async function stopKeeping(tx: SystemTx, { tenantId, entityId, kind }: PastKey): Promise<void> {
  await tx.run({
    text: `update business_store_service.past_tables
set since = null
where tenant_id = $1
  and entity_id = $2
  and kind = $3`,
    values: [tenantId, entityId, kind],
  });
}

async function keep(tx: SystemTx, home: TenantHome, key: PastKey, keepDays: number | null, since: string): Promise<void> {
  const { tenantId, entityId, kind } = key;
  const [known] = await tx.run<{ is_new: boolean }>({
    text: `insert into business_store_service.past_tables as known (tenant_id, entity_id, kind, since, keep_days)
values ($1, $2, $3, ${since}, $4)
on conflict (tenant_id, entity_id, kind) do update
  set since = coalesce(known.since, excluded.since),
      keep_days = excluded.keep_days
-- a row that was there has been locked for the update
returning xmax = 0 as is_new`,
    values: [tenantId, entityId, kind, keepDays === null ? null : String(keepDays)],
  });
  if (!known?.is_new) return;
  const table = pastTable(kind, entityId);
  const end = granuleEnd(new Date(), keepDays);
  const partitions = [
    { from: null, to: end },
    { from: end, to: null },
  ];
  await tx.asOwner(home, [
    ...createPastTable(home, table),
    ...partitions.flatMap((bounds) => createPartition(home, table, bounds)),
  ]);
  for (const bounds of partitions) await notePartition(tx, key, bounds);
}

export interface PastKey {
  readonly tenantId: string;
  readonly entityId: string;
  readonly kind: PastKind;
}

export async function notePartition(
  tx: SystemTx,
  { tenantId, entityId, kind }: PastKey,
  { from, to }: PastBounds,
): Promise<void> {
  await tx.run({
    text: `insert into business_store_service.past_partitions (tenant_id, entity_id, kind, lower_bound, upper_bound)
values ($1, $2, $3, $4, $5)`,
    values: [tenantId, entityId, kind, from?.toISOString() ?? '-infinity', to?.toISOString() ?? null],
  });
}

/** The tables of the past of an entity that is purged, for their owner to drop. */
export async function forgetPast(tx: SystemTx, tenantId: string, entityId: string): Promise<string[]> {
  const forgotten = await tx.run<{ kind: PastKind }>({
    text: `with partitions as (
  delete from business_store_service.past_partitions
  where tenant_id = $1
    and entity_id = $2
),
tables as (
  delete from business_store_service.past_tables
  where tenant_id = $1
    and entity_id = $2
  returning kind
)
select kind
from tables`,
    values: [tenantId, entityId],
  });
  return forgotten.map(({ kind }) => pastTable(kind, entityId));
}
