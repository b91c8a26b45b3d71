import { NO_ROLES } from '../access/tenant-role.js';
import { auditStatement } from '../audit/audit-event.js';
import type { Actor } from '../database/context-token.js';
import { PLATFORM_ID, type SystemTx } from '../database/control-plane.js';
import type { Tenant } from '../tenants/tenant-directory.js';
import { type PackState, readPackState } from './packs.store.js';
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
  /** As it was when the tenant was claimed. */
  readonly state: PackState;
  readonly attempt: number;
}

/** What became of a claim. `complete` is part of the transaction that notes it. */
export type Outcome =
  | { readonly status: 'done'; readonly complete: (tx: SystemTx) => Promise<void> }
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

/** A rollout with something to do for somebody. Whoever created it is the actor of all that is done for it. */
export type OpenRollout = Pick<Rollout, 'id' | 'createdBy' | 'requestId'>;

export async function openRollouts(tx: SystemTx): Promise<OpenRollout[]> {
  return tx.run<OpenRollout>({
    text: `select r.rollout_id as id, r.created_by as "createdBy", r.request_id as "requestId"
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
  // Before the lock: noting it may have to wait for somebody who changes the tenant's definitions.
  if (finished) await note(tx, holder, id, finished.tenantId, finished.outcome);
  let rollout = await findRollout(tx, id, true);
  if (!rollout) return [];
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
  const [noted] = await tx.run<{ ours: boolean }>({
    text: `with noted as (
  update business_store_service.rollout_tenants
  set status = $4,
      error = $5,
      retry_at = now() + make_interval(secs => $6),
      finished_at = now(),
      lease_holder = null,
      lease_until = null
  where rollout_id = $1
    and tenant_id = $2
    and status = 'running'
    and lease_holder = $3
  returning 1
)
select count(*) > 0 as ours
from noted`,
    values: [id, tenantId, holder, outcome.status, outcome.status === 'done' ? null : JSON.stringify(outcome.error), retry],
  });
  if (noted?.ours && outcome.status === 'done') await outcome.complete(tx);
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
    -- in the hands of another rollout: of another pack, or an earlier one that is being caught up with
    and not exists (
      select
      from business_store_service.rollout_tenants as other
      where other.tenant_id = rt.tenant_id
        and other.rollout_id <> $1
        and other.status = 'running'
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
    values: [rollout.id, String(rollout.ring), String(room), String(rollout.concurrency), holder],
  });
  const claims: Claim[] = [];
  for (const { id, slug, name, schema, role, ownerRole, attempts: attempt } of rows) {
    const home = { tenantId: id, schema, role, ownerRole };
    const tenant: Tenant = { id, slug, name, status: 'active', home, roles: NO_ROLES };
    claims.push({ rollout, tenant, attempt, state: await readPackState(tx, id, rollout.pack) });
  }
  return claims;
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

/** Those in hand stay in hand. No tenant is in two hands, whatever the rollout. */
export async function renewLeases(tx: SystemTx, holder: string, tenantIds: readonly string[]): Promise<void> {
  await tx.manager.query(
    `update business_store_service.rollout_tenants
set lease_until = now() + ${LEASE}
where status = 'running'
  and lease_holder = $1
  and tenant_id = any ($2::uuid[])`,
    [holder, tenantIds],
  );
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
