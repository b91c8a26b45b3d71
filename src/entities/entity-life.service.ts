import { Injectable } from '@nestjs/common';
import { type Actor, asService } from '../database/context-token.js';
import { ControlPlane, type SystemTx } from '../database/control-plane.js';
import { RuntimePool } from '../database/runtime-pool.js';
import { TenantTx } from '../database/tenant-tx.js';
import { relationFaults } from '../model/ddl/relation-faults.js';
import { tableRef } from '../model/ddl/table-ref.js';
import type { Entity } from '../model/entity.js';
import { addObject, dropObject } from '../model/plan/object-steps.js';
import { objectChanges } from '../model/plan/objects.js';
import { STAGES, type Step } from '../model/plan/operation.js';
import { renameEntity } from '../model/plan/operations/rename-entity.js';
import { type Transition, transition, withNames } from '../model/plan/transition.js';
import { quoteIdent } from '../model/sql.js';
import { counted } from '../platform/counted.js';
import type { JsonObject } from '../platform/json-value.js';
import { Problem } from '../platform/problem.js';
import { type Tenant, TenantDirectory } from '../tenants/tenant-directory.js';
import type { Definition } from './change-request.js';
import { assertRoom } from './create-entities.js';
import type { RegistryEntry } from './defined-entity.js';
import { patiently } from './patiently.js';
import { driftOf, entityOf, Planner, type TenantState } from './planner.js';
import { ReadDocument } from './read-documents.js';
import { announce, lockDefinitions } from './registry-changes.js';
import { assertNoneRunning } from './running-changes.js';
import { inTheWay, RETENTION_DAYS } from './switch-over.js';

/** Hiding and showing touch no row. */
const NO_ROWS = { rows: 0, large: false };

/** Whole entities that go: hidden with all their records, kept for their retention, restored by one call, or purged. */

export interface DropPlan {
  readonly entity: string;
  readonly version: number;
  readonly rows: number;
  readonly steps: readonly { readonly sql: string; readonly lock: string }[];
  readonly keptDays: number;
  readonly needs: readonly ['destructive'];
}

export interface RestorePlan {
  readonly entity: string;
  readonly version: number;
  readonly steps: DropPlan['steps'];
}

export interface DroppedEntity {
  readonly name: string;
  readonly version: number;
  readonly droppedAt: string;
  readonly purgeAt: string;
}

@Injectable()
export class EntityLifeService {
  constructor(
    private readonly controlPlane: ControlPlane,
    private readonly pool: RuntimePool,
    private readonly directory: TenantDirectory,
    private readonly planner: Planner,
  ) {}

  async dropped(actor: Actor, tenant: Tenant): Promise<DroppedEntity[]> {
    const rows = await TenantTx.run(this.pool, tenant.home, actor, { readOnly: true }, (tx) =>
      tx.last({
        text: `select name, version, to_json(dropped_at at time zone 'UTC')#>>'{}', to_json(purge_at at time zone 'UTC')#>>'{}'
from business_store_service.tenant_schemas
where tenant_id = $1
  and dropped_at is not null
  and purged_at is null
order by dropped_at desc`,
        values: [tenant.id],
      }),
    );
    return rows.map(([name, version, droppedAt, purgeAt]) => {
      return { name: name as string, version: Number(version), droppedAt: `${droppedAt}Z`, purgeAt: `${purgeAt}Z` };
    });
  }

  /** @throws Problem entity/not-allowed with what would happen, unless `allow` names `destructive` */
  async drop(actor: Actor, tenant: Tenant, name: string, allow: readonly string[]): Promise<void> {
    if (!allow.includes('destructive')) {
      const found = hiding(await this.planner.stateOf(actor, tenant), name);
      throw await this.notAllowed(actor, tenant, found).catch((error: unknown) => driftOf(error, name) ?? error);
    }
    await this.locked(actor, tenant, name, async (tx, state) => {
      const { current, transition: t } = hiding(state, name);
      await assertNoneRunning(tx, tenant.id, [current.id]);
      await tx.asOwner(
        tenant.home,
        hidingSteps(t).map(({ sql }) => sql),
      );
      await tx.run({
        text: `update business_store_service.tenant_schemas
set dropped_at = now(), purge_at = now() + make_interval(days => $3), hidden_table = $4, updated_at = now()
where tenant_id = $1
  and entity_id = $2`,
        values: [tenant.id, current.id, String(RETENTION_DAYS), t.after.table],
      });
      const body = { before: { version: current.version } };
      await announce(tx, actor, tenant.id, { action: 'entity.dropped', entity: name, body });
    });
  }

  /** With the definitions locked, and read anew: what they refer to does not change until it is over. */
  private async locked<T>(
    actor: Actor,
    tenant: Tenant,
    name: string,
    work: (tx: SystemTx, state: TenantState) => Promise<T>,
  ): Promise<T> {
    try {
      return await patiently(this.controlPlane, actor, tenant.home, async (tx) => {
        await lockDefinitions(tx, tenant.id);
        return work(tx, await this.planner.stateOf(actor, tenant));
      });
    } catch (error) {
      throw driftOf(error, name) ?? error;
    } finally {
      this.directory.forget(tenant.id);
    }
  }

  private async notAllowed(actor: Actor, tenant: Tenant, { current, transition: t }: Hiding): Promise<Problem> {
    const [row] = await TenantTx.run(this.pool, tenant.home, asService(actor), { readOnly: true }, (tx) =>
      tx.last({ text: `select count(*)\nfrom ${tableRef(t.home, t.before)}\nwhere tenant_id = $1`, values: [tenant.id] }),
    );
    const plan: DropPlan = {
      ...{
        entity: current.name,
        version: current.version,
        rows: Number(row?.[0]),
        keptDays: RETENTION_DAYS,
        needs: ['destructive'],
      },
      steps: hidingSteps(t).map(({ sql, lock }) => ({ sql, lock })),
    };
    const detail = `${counted(plan.rows, 'record')} would go with the entity, and be kept for ${RETENTION_DAYS} days. To do it, add ?allow=destructive.`;
    return new Problem('entity/not-allowed', detail, { needs: plan.needs, plan });
  }

  /** The newest dropped entity of this name, with its records. */
  async restore(actor: Actor, tenant: Tenant, name: string): Promise<Definition> {
    return this.locked(actor, tenant, name, async (tx, state) => {
      const { found, steps } = await showing(tx, state, name);
      await run(tx, actor, tenant, steps);
      await tx.run({
        text: `update business_store_service.tenant_schemas
set dropped_at = null, purge_at = null, hidden_table = null, updated_at = now()
where tenant_id = $1
  and entity_id = $2`,
        values: [tenant.id, found.entityId],
      });
      const body = { after: { version: found.version, document: found.document } };
      await announce(tx, actor, tenant.id, { action: 'entity.restored', entity: name, body });
      return { name, version: found.version, document: found.document };
    });
  }

  /** What restoring it would do; whether its relations still hold is only known then. */
  async planRestore(actor: Actor, tenant: Tenant, name: string): Promise<RestorePlan> {
    const state = await this.planner.stateOf(actor, tenant);
    const { found, steps } = await this.controlPlane.inTenant(actor, tenant.home, (tx) => showing(tx, state, name));
    return { entity: name, version: found.version, steps: steps.map(({ sql, lock }) => ({ sql, lock })) };
  }
}

interface Hiding {
  readonly current: RegistryEntry;
  readonly transition: Transition;
}

/** @throws Problem entity/not-found, pack/owned, entity/still-referenced */
function hiding({ home, entries, resolve }: TenantState, name: string): Hiding {
  const current = entries.find((entry) => entry.name === name);
  if (!current)
    throw new Problem('entity/not-found', 'The tenant has no entity of this name. GET …/entities lists what there is.');
  if (current.pack) {
    throw new Problem('pack/owned', `${JSON.stringify(name)} belongs to the pack "${current.pack.name}", which needs it.`);
  }
  assertUnreferenced(name, entries);
  const before = entityOf(current);
  const after = hidden(before, `~${current.id}`);
  return { current, transition: transition({ home, before, after, resolve, version: current.version }) };
}

function assertUnreferenced(name: string, entries: readonly RegistryEntry[]): void {
  const errors = entries
    .filter((entry) => entry.name !== name)
    .flatMap((entry) =>
      entityOf(entry).properties.flatMap((property) =>
        property.relation?.entity === name
          ? [
              {
                pointer: '',
                rule: 'relation',
                message: `${JSON.stringify(property.name)} of ${JSON.stringify(entry.name)} refers to it`,
              },
            ]
          : [],
      ),
    );
  if (errors.length === 0) return;
  throw new Problem('entity/still-referenced', 'Remove those relations first, or drop those entities.', { errors });
}

/** The entity under a name no document can use, and bound to no other: what is kept must not restrict what lives. */
function hidden(entity: Entity, table: string): Entity {
  const unbound = { ...entity, properties: entity.properties.map(({ relation: _, ...property }) => property) };
  return withNames(unbound, table, entity.name, ({ name, column }) => ({ name, column }));
}

function hidingSteps(t: Transition): Step[] {
  const owner = { work: 'catalog', as: 'owner', lock: 'ACCESS EXCLUSIVE' } as const;
  const revoke = `revoke all on table ${tableRef(t.home, t.after)} from ${quoteIdent(t.home.role)}`;
  const steps: Step[] = [
    { stage: 'lock', ...owner, sql: `lock table ${tableRef(t.home, t.before)} in access exclusive mode` },
    ...objectChanges(t).dropped.map((object) => dropObject(t, object)),
    ...renameEntity(t).sql(NO_ROWS),
    { stage: 'hide', ...owner, sql: revoke },
  ];
  return inStages(steps);
}

/** @throws Problem entity/exists, entity/nothing-retained, entity/invalid-document */
async function showing(tx: SystemTx, { home, entries, resolve }: TenantState, name: string) {
  assertRoom(entries, [{ name }]);
  const found = await newestDropped(tx, home.tenantId, name);
  const { entity: after } = ReadDocument.of(name, found.document);
  const errors = relationFaults(after, (other) => (other === name ? after : resolve(other)));
  if (errors.length > 0) throw new Problem('entity/invalid-document', 'What its relations point at is gone.', { errors });
  const t = transition({ home, before: hidden(after, found.hiddenTable), after, resolve, version: found.version });
  const grant = `grant select, insert, update, delete on table ${tableRef(home, after)} to ${quoteIdent(home.role)}`;
  const steps: Step[] = [
    ...renameEntity(t).sql(NO_ROWS),
    { stage: 'hide', work: 'catalog', as: 'owner', lock: 'ACCESS EXCLUSIVE', sql: grant },
    ...objectChanges(t).added.flatMap((object) => addObject(t, object, NO_ROWS)),
  ];
  return { found, steps: inStages(steps) };
}

async function run(tx: SystemTx, actor: Actor, { home }: Tenant, steps: readonly Step[]): Promise<void> {
  for (const { as, sql } of steps) {
    if (as === 'owner') {
      await tx.asOwner(home, [sql]);
      continue;
    }
    const rows = await tx.asTenant(home, actor, (query) => query({ text: sql, values: [] }));
    const ids = rows.map(([id]) => id as string);
    if (ids.length > 0) throw inTheWay('Records refer to what was deleted meanwhile.', ids);
  }
}

function inStages(steps: readonly Step[]): Step[] {
  return [...steps].sort((a, b) => STAGES.indexOf(a.stage) - STAGES.indexOf(b.stage));
}

async function newestDropped(tx: SystemTx, tenantId: string, name: string) {
  const [row] = await tx.run<{ entity_id: string; version: number; document: JsonObject; hidden_table: string }>({
    text: `select entity_id, version, document, hidden_table
from business_store_service.tenant_schemas
where tenant_id = $1
  and name = $2
  and dropped_at is not null
  and purged_at is null
order by dropped_at desc
limit 1`,
    values: [tenantId, name],
  });
  if (!row) throw new Problem('entity/nothing-retained', `Nothing is kept of an entity ${JSON.stringify(name)}.`);
  return { entityId: row.entity_id, version: row.version, document: row.document, hiddenTable: row.hidden_table };
}
