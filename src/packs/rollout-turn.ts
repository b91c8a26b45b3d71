import { auditStatement } from '../audit/audit-event.js';
import type { Actor } from '../database/context-token.js';
import { PLATFORM_ID, type SystemTx } from '../database/control-plane.js';
import type { Tenant } from '../tenants/tenant-directory.js';
import { nextMove, type Rollout } from './rollout.js';
import { countTenants, findRollout, updateRollout } from './rollouts.store.js';

/**
 * How instances share a rollout: whoever has room takes a turn, in one transaction under a lock on the rollout's row. A tenant in
 * hand is leased; a lease that is not renewed lapses, and the tenant is anybody's again.
 */

const LEASE = `interval '30 seconds'`;

export const RENEW_MS = 10_000;

/** A tenant in hand. */
export interface Claim {
  readonly rollout: Rollout;
  readonly tenant: Tenant;
  readonly attempt: number;
}

/** What became of a claim. */
export type Outcome =
  | { readonly status: 'done' }
  | { readonly status: 'failed'; readonly error: object }
  /** Something that passes was in the way. */
  | { readonly status: 'pending'; readonly error: object; readonly retrySeconds: number };

interface ClaimedRow {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  readonly schema: string;
  readonly role: string;
  readonly ownerRole: string;
  readonly attempts: number;
}

/** Rollouts with something to do for somebody. */
export async function openRollouts(tx: SystemTx): Promise<string[]> {
  const rows = await tx.run<{ id: string }>({
    text: `select r.rollout_id as id
from business_store_service.rollouts as r
where r.status = 'running'
   or r.status in ('done', 'cancelled') and exists (
     select
     from business_store_service.rollout_tenants as rt
     join business_store_service.tenants as t on t.id = rt.tenant_id
     where rt.rollout_id = r.rollout_id
       and rt.status in ('pending', 'running', 'suspended')
       and t.status = 'active'
   )
order by r.rollout_id`,
    values: [],
  });
  return rows.map(({ id }) => id);
}

/**
 * Notes what became of a claim, moves the rollout on, and claims up to `room` tenants. In the platform's context.
 * @param actor as the transaction was begun. @param holder of the leases: this process
 */
export async function takeTurn(
  tx: SystemTx,
  actor: Actor,
  holder: string,
  id: string,
  room: number,
  finished?: { readonly tenantId: string; readonly outcome: Outcome },
): Promise<Claim[]> {
  let rollout = await findRollout(tx, id, true);
  if (!rollout) return [];
  if (finished) await note(tx, holder, id, finished.tenantId, finished.outcome);
  // In most turns somebody is done and somebody else is next. Only when nobody is, there is more to look after.
  const next = await claim(tx, holder, rollout, room);
  if (next.length > 0) return next;
  await lookAfter(tx, rollout);
  for (;;) {
    const claims = await claim(tx, holder, rollout, room);
    if (claims.length > 0 || rollout.status !== 'running') return claims;
    const move = nextMove(rollout.ring, (await countTenants(tx, [id])).get(id) ?? new Map());
    if (move.to === 'wait') return [];
    const ring: number = move.to === 'ring' ? move.ring : rollout.ring;
    const status = move.to === 'ring' ? 'running' : move.to === 'pause' ? 'paused' : 'done';
    await updateRollout(tx, id, { status, ring, reason: move.to === 'pause' ? move.reason : null });
    if (move.to !== 'ring') await tell(tx, actor, rollout, move);
    rollout = { ...rollout, status, ring };
    if (move.to === 'ring') await lookAfter(tx, rollout);
  }
}

/** Only as long as the lease was ours: whoever came after us says what became of it. */
async function note(tx: SystemTx, holder: string, id: string, tenantId: string, outcome: Outcome): Promise<void> {
  const retry = outcome.status === 'pending' ? String(outcome.retrySeconds) : null;
  await tx.run({
    text: `update business_store_service.rollout_tenants
set status = $4,
    error = $5,
    retry_at = now() + make_interval(secs => $6),
    finished_at = now(),
    lease_holder = null,
    lease_until = null
where rollout_id = $1
  and tenant_id = $2
  and status = 'running'
  and lease_holder = $3`,
    values: [id, tenantId, holder, outcome.status, outcome.status === 'done' ? null : JSON.stringify(outcome.error), retry],
  });
}

/** Leases that lapsed, and tenants that were suspended or resumed since. */
async function lookAfter(tx: SystemTx, { id, status, ring }: Rollout): Promise<void> {
  await tx.run({
    text: `update business_store_service.rollout_tenants
set status = $2,
    lease_holder = null,
    lease_until = null
where rollout_id = $1
  and status = 'running'
  and lease_until < now()`,
    values: [id, status === 'cancelled' ? 'skipped' : 'pending'],
  });
  if (status === 'cancelled') return;
  await tx.run({
    text: `update business_store_service.rollout_tenants as rt
set status = case t.status when 'active' then 'pending' else 'suspended' end
from business_store_service.tenants as t
where t.id = rt.tenant_id
  and rt.rollout_id = $1
  and rt.ring <= $2
  and rt.status = case t.status when 'active' then 'suspended' else 'pending' end`,
    values: [id, String(ring)],
  });
}

async function claim(tx: SystemTx, holder: string, rollout: Rollout, room: number): Promise<Claim[]> {
  if (room <= 0 || (rollout.status !== 'running' && rollout.status !== 'done')) return [];
  const rows = await tx.run<ClaimedRow>({
    text: `with busy as (
  select count(*) as tenants
  from business_store_service.rollout_tenants
  where rollout_id = $1
    and status = 'running'
), next as (
  select rt.tenant_id
  from business_store_service.rollout_tenants as rt
  join business_store_service.tenants as t on t.id = rt.tenant_id
  where rt.rollout_id = $1
    and rt.ring <= $2
    and rt.status = 'pending'
    and t.status = 'active'
    and (rt.retry_at is null or rt.retry_at <= now())
    -- of an earlier rollout that is being caught up with
    and not exists (
      select
      from business_store_service.rollouts as other
      join business_store_service.rollout_tenants as o on o.rollout_id = other.rollout_id
      where other.pack = $6
        and other.rollout_id <> $1
        and o.tenant_id = rt.tenant_id
        and o.status = 'running'
    )
  order by rt.ring, rt.tenant_id
  limit greatest(0, least($3::bigint, $4::bigint - (select tenants from busy)))
  for update of rt skip locked
), claimed as (
  update business_store_service.rollout_tenants as rt
  set status = 'running',
      attempts = rt.attempts + 1,
      started_at = now(),
      finished_at = null,
      lease_holder = $5,
      lease_until = now() + ${LEASE}
  from next
  where rt.rollout_id = $1
    and rt.tenant_id = next.tenant_id
  returning rt.tenant_id, rt.attempts
)
select t.id, t.slug, t.name, t.schema_name as schema, t.role_name as role, t.owner_role_name as "ownerRole", c.attempts
from claimed as c
join business_store_service.tenants as t on t.id = c.tenant_id`,
    values: [rollout.id, String(rollout.ring), String(room), String(rollout.concurrency), holder, rollout.pack],
  });
  return rows.map(({ id, slug, name, schema, role, ownerRole, attempts }) => ({
    rollout,
    tenant: { id, slug, name, status: 'active', home: { tenantId: id, schema, role, ownerRole } },
    attempt: attempts,
  }));
}

async function tell(
  tx: SystemTx,
  actor: Actor,
  rollout: Rollout,
  move: { to: 'pause'; reason: string } | { to: 'done' },
): Promise<void> {
  const detail = { rollout: rollout.id, pack: rollout.pack, version: rollout.version };
  const [action, more] =
    move.to === 'pause' ? (['rollout.paused', { reason: move.reason }] as const) : (['rollout.finished', {}] as const);
  await tx.run(auditStatement(PLATFORM_ID, actor, { action, body: JSON.stringify({ detail: { ...detail, ...more } }) }));
}

/** Those in hand stay in hand. */
export async function renewLeases(tx: SystemTx, holder: string): Promise<void> {
  await tx.run({
    text: `update business_store_service.rollout_tenants
set lease_until = now() + ${LEASE}
where status = 'running'
  and lease_holder = $1`,
    values: [holder],
  });
}

/** This process will not finish them: others need not wait. */
export async function giveUpLeases(tx: SystemTx, holder: string): Promise<void> {
  await tx.run({
    text: `update business_store_service.rollout_tenants
set lease_until = now() - interval '1 second'
where status = 'running'
  and lease_holder = $1`,
    values: [holder],
  });
}
