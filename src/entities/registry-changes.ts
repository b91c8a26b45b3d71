import { type AuditAction, auditStatement } from '../audit/audit-event.js';
import type { Actor } from '../database/context-token.js';
import type { SystemTx } from '../database/control-plane.js';
import { wakeOthers } from '../database/wake-up.js';
import { type Fields, NO_FIELDS } from '../model/sealed/fields.js';
import type { JsonObject, JsonValue } from '../platform/json-value.js';
import type { PackOrigin } from './change-request.js';

/** What a change of a definition writes to the control plane, in the transaction that changes the table. */

interface VersionKey {
  readonly tenantId: string;
  readonly entityId: string;
}

export interface NewVersion extends VersionKey {
  readonly name: string;
  readonly version: number;
  readonly document: JsonObject;
  readonly pack?: PackOrigin;
  /** What its encrypted properties are called for ever; absent: as it was. */
  readonly fields?: Fields;
  /** Where its properties came from, when it is not the first. */
  readonly lineage?: Lineage;
}

/** Pairs of new and old name, and of name and column. */
export interface Lineage {
  readonly renames: readonly (readonly [string, string])[];
  readonly restored: readonly (readonly [string, string])[];
}

/** The first version of a new entity. */
export async function insertDefinition(tx: SystemTx, actor: Actor, definition: NewVersion): Promise<void> {
  const { tenantId, entityId, name, version, document, pack, fields } = definition;
  await tx.run({
    text: `insert into business_store_service.tenant_schemas
  (tenant_id, entity_id, name, version, document, pack, pack_version, additions, fields)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    values: [tenantId, entityId, name, String(version), JSON.stringify(document), ...packValues(pack), jsonOrNull(fields)],
  });
  await insertVersion(tx, actor, definition);
}

/** The version in force from now on. Whatever was being prepared is over. */
export async function updateDefinition(tx: SystemTx, actor: Actor, definition: NewVersion): Promise<void> {
  const { tenantId, entityId, name, version, document, pack, fields } = definition;
  await tx.run({
    text: `update business_store_service.tenant_schemas
set name = $3,
    version = $4,
    document = $5,
    transition = null,
    pack = coalesce($6, pack),
    pack_version = coalesce($7, pack_version),
    additions = coalesce($8, additions),
    fields = coalesce($9, fields),
    updated_at = now()
where tenant_id = $1
  and entity_id = $2`,
    values: [tenantId, entityId, name, String(version), JSON.stringify(document), ...packValues(pack), jsonOrNull(fields)],
  });
  await insertVersion(tx, actor, definition);
}

function packValues(pack: PackOrigin | undefined): [string | null, string | null, string | null] {
  return pack ? [pack.pack, pack.version, JSON.stringify(pack.additions)] : [null, null, null];
}

function jsonOrNull(fields: Fields | undefined): string | null {
  return fields === undefined ? null : JSON.stringify(fields);
}

/** What they are called at the moment. */
export async function fieldsOf(tx: SystemTx, { tenantId, entityId }: VersionKey): Promise<Fields> {
  const row = await tx.first<{ fields: Fields | null }>({
    text: `select fields
from business_store_service.tenant_schemas
where tenant_id = $1
  and entity_id = $2`,
    values: [tenantId, entityId],
  });
  return row?.fields ?? NO_FIELDS;
}

async function insertVersion(tx: SystemTx, actor: Actor, definition: NewVersion): Promise<void> {
  const { tenantId, entityId, name, version, document, lineage } = definition;
  await tx.run({
    text: `insert into business_store_service.entity_versions
  (tenant_id, entity_id, version, name, document, lineage, created_by, request_id, fields)
select tenant_id, entity_id, $3, $4, $5, $6, $7, $8, fields
from business_store_service.tenant_schemas
where tenant_id = $1
  and entity_id = $2`,
    values: [
      ...[tenantId, entityId, String(version), name, JSON.stringify(document)],
      ...[lineage ? JSON.stringify(lineage) : null, actor.subject, actor.requestId],
    ],
  });
}

interface EntityEvent {
  readonly action: AuditAction;
  readonly entity: string;
  readonly body: JsonValue;
}

/** Tells the trail, and every instance that something of the tenant changed. */
export async function announce(tx: SystemTx, actor: Actor, tenantId: string, event: EntityEvent): Promise<void> {
  await note(tx, actor, tenantId, event);
  await tellOthers(tx, tenantId);
}

export async function note(tx: SystemTx, actor: Actor, tenantId: string, event: EntityEvent): Promise<void> {
  await tx.run(auditStatement(tenantId, actor, { ...event, body: JSON.stringify(event.body) }));
}

export async function tellOthers(tx: SystemTx, tenantId: string): Promise<void> {
  await tx.run({
    text: `update business_store_service.tenants
set changed_at = clock_timestamp()
where id = $1`,
    values: [tenantId],
  });
  await wakeOthers(tx);
}

/** One change of a tenant's definitions at a time: the lock on its registry row. */
export async function lockDefinitions(tx: SystemTx, tenantId: string): Promise<void> {
  await tx.run({
    text: `select
from business_store_service.tenants
where id = $1
for update`,
    values: [tenantId],
  });
}
