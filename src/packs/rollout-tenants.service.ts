import { Injectable } from '@nestjs/common';
import type { Actor } from '../database/context-token.js';
import { ControlPlane, type SystemTx } from '../database/control-plane.js';
import { problemOf } from '../database/sqlstate.js';
import { entityDrift, type Registered } from '../entities/entity-drift.js';
import type { PreparedObject } from '../entities/prepared-objects.js';
import { ReadDocument } from '../entities/read-documents.js';
import type { Entity, TenantHome } from '../model/entity.js';
import type { Drift } from '../model/plan/drift.js';
import type { JsonObject } from '../platform/json-value.js';
import { Problem } from '../platform/problem.js';
import { Turns } from '../platform/turns.js';
import { isUuid } from '../platform/uuid.js';
import type { TenantRolloutStatus } from './rollout.js';
import { findRollout } from './rollouts.store.js';

/** A tenant that has the pack of a rollout, and what the rollout did to it. */
export interface RolloutTenant {
  readonly tenantId: string;
  readonly slug: string;
  readonly tenantStatus: 'active' | 'suspended';
  /** Of the pack, as the tenant has it now. */
  readonly version: string;
  /** From 1; null when the tenant is not in the rollout. */
  readonly ring: number | null;
  readonly status: TenantRolloutStatus | null;
  readonly attempts: number;
  /** The problem of the last attempt, if that failed. */
  readonly error: JsonObject | null;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
}

/** Of an entity: what the catalog has otherwise than the registry says. */
export type EntityDrift = Drift & { readonly entity: string };

/** Of an entity: what is there for a change that is under way, which is no drift. */
export type EntityPreparation = PreparedObject & { readonly entity: string };

/** With drift: what was found, or why nobody could look. */
export type InspectedTenant = RolloutTenant & {
  readonly drift?: readonly EntityDrift[] | null;
  readonly preparing?: readonly EntityPreparation[];
  readonly driftError?: string;
};

interface TenantRow extends RolloutTenant {
  readonly schema: string;
  readonly role: string;
  readonly ownerRole: string;
}

/** Looks for drift at the same time; each takes one of the control plane's five connections. */
const AT_ONCE = 2;

/** Every tenant that has a rollout's pack: its version, what became of it, and its drift. */
@Injectable()
export class RolloutTenantsService {
  private readonly turns = new Turns(AT_ONCE);

  constructor(private readonly controlPlane: ControlPlane) {}

  async list(
    actor: Actor,
    rolloutId: string,
    query: { limit: number; after?: string; status?: TenantRolloutStatus; drift?: boolean },
  ): Promise<{ items: InspectedTenant[]; next: string | null }> {
    const { pack, rows } = await this.controlPlane.platform(actor, async (tx) => {
      const rollout = isUuid(rolloutId) ? await findRollout(tx, rolloutId) : undefined;
      if (!rollout) throw new Problem('rollout/not-found', 'There is no rollout with this id. GET /api/v1/rollouts lists them.');
      return { pack: rollout.pack, rows: await readTenants(tx, rolloutId, rollout.pack, { ...query, limit: query.limit + 1 }) };
    });
    const inspected = rows.slice(0, query.limit).map(async ({ schema, role, ownerRole, ...tenant }): Promise<InspectedTenant> => {
      if (!query.drift) return tenant;
      const home = { tenantId: tenant.tenantId, schema, role, ownerRole };
      return { ...tenant, ...(await this.turns.run(() => this.inspect(actor, home, pack))) };
    });
    const items = await Promise.all(inspected);
    return { items, next: rows.length > query.limit ? (items.at(-1)?.tenantId ?? null) : null };
  }

  private async inspect(actor: Actor, home: TenantHome, pack: string): Promise<Omit<InspectedTenant, keyof RolloutTenant>> {
    try {
      const found = await entityDrift(this.controlPlane, actor, home, (tx) => readEntities(tx, home.tenantId, pack));
      return {
        drift: [...found].flatMap(([entity, { drift }]) => drift.map((each) => ({ entity, ...each }))),
        preparing: [...found].flatMap(([entity, { preparing }]) => preparing.map((each) => ({ entity, ...each }))),
      };
    } catch (error) {
      const problem = problemOf(error);
      if (!problem) throw error;
      return { drift: null, driftError: problem.detail };
    }
  }
}

async function readTenants(
  tx: SystemTx,
  rolloutId: string,
  pack: string,
  { limit, after, status }: { limit: number; after?: string; status?: TenantRolloutStatus },
): Promise<TenantRow[]> {
  return tx.run<TenantRow>({
    text: `select t.id as "tenantId", t.slug, t.status as "tenantStatus", p.version, rt.ring + 1 as ring, rt.status,
  coalesce(rt.attempts, 0) as attempts, rt.error, rt.started_at as "startedAt", rt.finished_at as "finishedAt",
  t.schema_name as schema, t.role_name as role, t.owner_role_name as "ownerRole"
from business_store_service.tenant_packs as p
join business_store_service.tenants as t on t.id = p.tenant_id
left join business_store_service.rollout_tenants as rt on rt.tenant_id = t.id
  and rt.rollout_id = $1
where p.pack = $2
  and ($3::text is null or rt.status = $3)
  and ($4::uuid is null or t.id > $4::uuid)
order by t.id
limit $5::bigint`,
    values: [rolloutId, pack, status ?? null, after ?? null, String(limit)],
  });
}

/** The pack's entities and, since theirs may lead to others, all that relations reach. */
async function readEntities(tx: SystemTx, tenantId: string, pack: string): Promise<Registered> {
  const rows = await tx.run<{ name: string; text: string; pack: string | null; hidden: string[] }>({
    text: `select s.name, s.document::text as text, s.pack,
  array(
    select r.column_name
    from business_store_service.retained_properties as r
    where r.tenant_id = s.tenant_id
      and r.entity_id = s.entity_id
  ) as hidden
from business_store_service.tenant_schemas as s
where s.tenant_id = $1
  and s.dropped_at is null
order by s.name`,
    values: [tenantId],
  });
  const all = new Map(rows.map((row) => [row.name, row]));
  const read = (name: string): Entity => {
    const { text } = all.get(name) as { text: string };
    return ReadDocument.of(name, JSON.parse(text) as JsonObject, text).entity;
  };
  const reached = new Map<string, Entity>();
  const queue = rows.filter((row) => row.pack === pack).map(({ name }) => name);
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    if (reached.has(name) || !all.has(name)) continue;
    const entity = read(name);
    reached.set(name, entity);
    queue.push(...entity.properties.flatMap(({ relation }) => relation?.entity ?? []));
  }
  return { entities: [...reached.values()], retainedOf: ({ name }) => new Set(all.get(name)?.hidden) };
}
