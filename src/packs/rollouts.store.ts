import type { SystemTx } from '../database/control-plane.js';
import {
  type Candidate,
  NO_COUNTS,
  type RingCounts,
  type Rollout,
  type RolloutStatus,
  type TenantRolloutStatus,
} from './rollout.js';

/** Rollouts and who is in them. In the platform's context. */

const COLUMNS = `rollout_id as id, pack, version, rings, concurrency, allow, status, ring, reason,
  created_at as "createdAt", created_by as "createdBy", request_id as "requestId", finished_at as "finishedAt"`;

/** `lock` makes others wait who would change it too. */
export async function findRollout(tx: SystemTx, id: string, lock = false): Promise<Rollout | undefined> {
  const [rollout] = await tx.run<Rollout>({
    text: `select ${COLUMNS}
from business_store_service.rollouts
where rollout_id = $1${lock ? '\nfor update' : ''}`,
    values: [id],
  });
  return rollout;
}

/** Newest first. */
export async function listRollouts(tx: SystemTx, page: { limit: number; after?: string; pack?: string }): Promise<Rollout[]> {
  return tx.run<Rollout>({
    text: `select ${COLUMNS}
from business_store_service.rollouts
where ($1::uuid is null or rollout_id < $1::uuid)
  and ($2::text is null or pack = $2)
order by rollout_id desc
limit $3::bigint`,
    values: [page.after ?? null, page.pack ?? null, String(page.limit)],
  });
}

/** All tenants that have the pack, in order of creation. */
export async function tenantsWithPack(tx: SystemTx, pack: string): Promise<(Candidate & { version: string })[]> {
  return tx.run({
    text: `select t.id, t.slug, p.version
from business_store_service.tenant_packs as p
join business_store_service.tenants as t on t.id = p.tenant_id
where p.pack = $1
order by t.id`,
    values: [pack],
  });
}

type NewRollout = Pick<Rollout, 'id' | 'pack' | 'version' | 'rings' | 'concurrency' | 'allow' | 'createdBy' | 'requestId'>;

export async function insertRollout(tx: SystemTx, rollout: NewRollout, rings: ReadonlyMap<string, number>): Promise<void> {
  const { id, pack, version, concurrency, allow, createdBy, requestId } = rollout;
  await tx.manager.query(
    `insert into business_store_service.rollouts
  (rollout_id, pack, version, rings, concurrency, allow, created_by, request_id)
values ($1, $2, $3, $4, $5, $6::text[], $7, $8)`,
    [id, pack, version, JSON.stringify(rollout.rings), concurrency, allow, createdBy, requestId],
  );
  await tx.run({
    text: `insert into business_store_service.rollout_tenants (rollout_id, tenant_id, ring, from_version)
select $1, p.tenant_id, m.ring, p.version
from json_to_recordset($3) as m (tenant uuid, ring integer)
join business_store_service.tenant_packs as p on p.tenant_id = m.tenant
  and p.pack = $2`,
    values: [id, pack, JSON.stringify([...rings].map(([tenant, ring]) => ({ tenant, ring })))],
  });
  // Whoever waits to be caught up, or failed, goes to the new version at once.
  await tx.run({
    text: `update business_store_service.rollout_tenants as earlier
set status = 'skipped'
from business_store_service.rollouts as r, business_store_service.rollout_tenants as mine
where r.rollout_id = earlier.rollout_id
  and r.pack = $2
  and r.rollout_id <> $1
  and mine.rollout_id = $1
  and mine.tenant_id = earlier.tenant_id
  and earlier.status in ('pending', 'failed', 'suspended')`,
    values: [id, pack],
  });
}

export async function updateRollout(
  tx: SystemTx,
  id: string,
  { status, ring, reason }: { status: RolloutStatus; ring: number; reason: string | null },
): Promise<void> {
  await tx.run({
    text: `update business_store_service.rollouts
set status = $2,
    ring = $3,
    reason = $4,
    updated_at = now(),
    finished_at = case when $2 in ('done', 'cancelled') then now() end
where rollout_id = $1`,
    values: [id, status, String(ring), reason],
  });
}

/** Of each rollout, by ring. */
export async function countTenants(tx: SystemTx, ids: readonly string[]): Promise<Map<string, Map<number, RingCounts>>> {
  const rows: { id: string; ring: number; status: TenantRolloutStatus; tenants: number }[] = await tx.manager.query(
    `select rollout_id as id, ring, status, count(*)::integer as tenants
from business_store_service.rollout_tenants
where rollout_id = any ($1::uuid[])
group by rollout_id, ring, status`,
    [ids],
  );
  const counts = new Map<string, Map<number, RingCounts>>();
  for (const { id, ring, status, tenants } of rows) {
    const rings = counts.get(id) ?? new Map<number, RingCounts>();
    rings.set(ring, { ...(rings.get(ring) ?? NO_COUNTS), [status]: tenants });
    counts.set(id, rings);
  }
  return counts;
}

/** Seconds one tenant took, on average over the last hundred; null before the first. */
export async function secondsPerTenant(tx: SystemTx, id: string): Promise<number | null> {
  const [row] = await tx.run<{ seconds: number | null }>({
    text: `select avg(extract(epoch from finished_at - started_at))::double precision as seconds
from (
  select started_at, finished_at
  from business_store_service.rollout_tenants
  where rollout_id = $1
    and status = 'done'
  order by finished_at desc
  limit 100
) as latest`,
    values: [id],
  });
  return row?.seconds ?? null;
}

/** The tenants of the rings up to this one that failed are to be tried again; how many they are. */
export async function retryFailed(tx: SystemTx, id: string, ring: number): Promise<number> {
  const [row] = await tx.run<{ count: number }>({
    text: `with again as (
  update business_store_service.rollout_tenants
  set status = 'pending',
      attempts = 0,
      retry_at = null
  where rollout_id = $1
    and ring <= $2
    and status = 'failed'
  returning 1
)
select count(*)::integer as count
from again`,
    values: [id, String(ring)],
  });
  return row?.count ?? 0;
}

/** Nobody else gets a turn; who is at work finishes. */
export async function skipRest(tx: SystemTx, id: string): Promise<void> {
  await tx.run({
    text: `update business_store_service.rollout_tenants
set status = 'skipped'
where rollout_id = $1
  and status in ('pending', 'suspended')`,
    values: [id],
  });
}
