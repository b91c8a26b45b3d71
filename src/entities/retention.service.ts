import { Injectable } from '@nestjs/common';
import type { Actor } from '../database/context-token.js';
import { ControlPlane, type SystemTx } from '../database/control-plane.js';
import { RuntimePool } from '../database/runtime-pool.js';
import { TenantTx } from '../database/tenant-tx.js';
import { qualified } from '../model/ddl/table-ref.js';
import type { TenantHome } from '../model/entity.js';
import { physicalName } from '../model/names.js';
import { quoteIdent } from '../model/sql.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../platform/json-value.js';
import { Problem } from '../platform/problem.js';
import { type Tenant, TenantDirectory } from '../tenants/tenant-directory.js';
import type { ChangeOutcome, ChangeRequest, PlanAnswer } from './change-request.js';
import { ChangesService } from './changes.service.js';
import { EntityRegistry } from './entity-registry.js';
import { patiently } from './patiently.js';
import { announce, lockDefinitions } from './registry-changes.js';
import { type RetainedProperty, readRetained, retainedStatement } from './retained-properties.js';
import { assertNoneRunning } from './running-changes.js';

/** Dropped properties: what is kept of them, how they come back, and their end when their time is over. */
@Injectable()
export class RetentionService {
  constructor(
    private readonly controlPlane: ControlPlane,
    private readonly pool: RuntimePool,
    private readonly directory: TenantDirectory,
    private readonly registry: EntityRegistry,
    private readonly changes: ChangesService,
  ) {}

  async retained(actor: Actor, tenant: Tenant, name: string): Promise<RetainedProperty[]> {
    const { id } = await this.registry.get(tenant, name);
    const rows = await TenantTx.run(this.pool, tenant.home, actor, { readOnly: true }, (tx) =>
      tx.last(retainedStatement(tenant.id, id)),
    );
    return rows.map(readRetained);
  }

  async planRestore(actor: Actor, tenant: Tenant, name: string, property: string): Promise<PlanAnswer> {
    return this.changes.plan(actor, tenant, name, await this.withProperty(actor, tenant, name, property));
  }

  /** The document in force, with the property as it was when it was dropped. */
  async restore(
    actor: Actor,
    tenant: Tenant,
    name: string,
    property: string,
    request: Partial<ChangeRequest>,
  ): Promise<ChangeOutcome> {
    return this.changes.apply(actor, tenant, name, { ...request, ...(await this.withProperty(actor, tenant, name, property)) });
  }

  private async withProperty(actor: Actor, tenant: Tenant, name: string, property: string) {
    // Another instance may know of a newer version, which must not be taken back.
    this.registry.forget(tenant.id);
    const { document, version } = await this.registry.get(tenant, name);
    const found = (await this.retained(actor, tenant, name)).find((each) => each.property === property);
    if (!found) throw nothingKept(property);
    const properties = isJsonObject(document.properties) ? document.properties : {};
    if (Object.hasOwn(properties, property)) {
      throw new Problem(
        'entity/nothing-retained',
        `The entity has a property ${JSON.stringify(property)} again: rename that one first.`,
      );
    }
    const required = Array.isArray(document.required) ? document.required : [];
    const restored: JsonObject = {
      ...document,
      properties: { ...withoutClaim(properties, property), [property]: withoutHistory(found.definition) },
      ...(found.required ? { required: [...required, property] } : {}),
    };
    return { document: restored, restore: new Map([[property, found.column]]), fromVersion: version };
  }

  /** Ends what is kept of one property, before its time. */
  async purge(actor: Actor, tenant: Tenant, name: string, property: string): Promise<void> {
    const { id } = await this.registry.get(tenant, name);
    const found = (await this.retained(actor, tenant, name)).filter((each) => each.property === property);
    if (found.length === 0) throw nothingKept(property);
    for (const { column } of found) {
      await purgeColumn(this.controlPlane, actor, tenant.home, { entityId: id, column, property });
    }
    this.directory.forget(tenant.id);
  }
}

/** Whoever was renamed from the name that comes back says so no more: a name that is there is nobody's former one. */
function withoutClaim(properties: JsonObject, name: string): JsonObject {
  const isClaimant = (schema: JsonValue): boolean =>
    isJsonObject(schema) && (schema.renamedFrom === name || schema['x-renamedFrom'] === name);
  return Object.fromEntries(
    Object.entries(properties).map(([each, schema]) => [each, isClaimant(schema) ? withoutHistory(schema) : schema]),
  );
}

/** A rename it may have had is history. */
function withoutHistory(definition: unknown): JsonObject {
  const {
    renamedFrom: _,
    aliasUntil: __,
    'x-renamedFrom': ___,
    'x-aliasUntil': ____,
    ...rest
  } = definition as Record<string, never>;
  return rest;
}

export interface PurgedColumn {
  readonly entityId: string;
  readonly column: string;
  readonly property: string;
}

/** Drops a hidden column for good. A column that somebody restored or purged meanwhile is left alone. */
export async function purgeColumn(
  controlPlane: ControlPlane,
  actor: Actor,
  home: TenantHome,
  { entityId, column, property }: PurgedColumn,
): Promise<void> {
  await patiently(controlPlane, actor, home, async (tx: SystemTx) => {
    await lockDefinitions(tx, home.tenantId);
    // The plan of a change that is being prepared knows the column.
    await assertNoneRunning(tx, home.tenantId, [entityId]);
    const [entity] = await tx.run<{ name: string }>({
      text: `select name
from business_store_service.tenant_schemas
where tenant_id = $1
  and entity_id = $2
  and dropped_at is null`,
      values: [home.tenantId, entityId],
    });
    if (!entity) return;
    const [, count] = (await tx.manager.query(
      `delete from business_store_service.retained_properties
where tenant_id = $1
  and entity_id = $2
  and column_name = $3`,
      [home.tenantId, entityId, column],
    )) as [unknown, number];
    if (count === 0) return;
    const table = qualified(home, physicalName(entity.name));
    await tx.asOwner(home, [`alter table ${table} drop column if exists ${quoteIdent(column)}`]);
    // Work on keys looks for every column that is named here.
    await tx.run({
      text: `update business_store_service.tenant_schemas
set fields = (fields::jsonb - $3)::json
where tenant_id = $1
  and entity_id = $2`,
      values: [home.tenantId, entityId, column],
    });
    const body = { before: { property } };
    await announce(tx, actor, home.tenantId, { action: 'property.purged', entity: entity.name, body });
  });
}

function nothingKept(property: string): Problem {
  return new Problem(
    'entity/nothing-retained',
    `Nothing is kept of a property ${JSON.stringify(property)}. GET …/retained lists what is.`,
  );
}
