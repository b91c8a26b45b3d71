import type { SystemTx } from '../database/control-plane.js';
import type { PreparedTransition } from '../entities/defined-entity.js';
import type { Lineage } from '../entities/registry-changes.js';
import { entityOf } from '../entities/stored-versions.js';
import { ANSWER_LABEL, answerPlace } from '../http/sealed-answers.js';
import { SUBJECT_KEY } from '../keys/subject-keys.js';
import type { Entity, TenantHome } from '../model/entity.js';
import type { PastKind } from '../model/past/past-tables.js';
import { sealedLater } from '../model/past/sealed-later.js';
import type { VersionStep } from '../model/plan/lineage.js';
import type { SealedProperty } from '../model/sealed/field-ciphers.js';
import { type Fields, withFields } from '../model/sealed/fields.js';
import type { JsonObject } from '../platform/json-value.js';
import { liveCells } from './live-cells.js';
import { pastCells, type SealedVersions } from './past-cells.js';
import type { SealedTable } from './sealed-table.js';
import { sealedTexts } from './sealed-texts.js';

/**
 * All tables in which something of a tenant is encrypted, as its definitions are at the moment. Records come first and their past behind
 * them: what becomes past later was renewed before. Inside the tenant, as the control plane.
 */
export async function sealedTables(tx: SystemTx, home: TenantHome): Promise<SealedTable[]> {
  const [definitions, versions, kinds] = [
    await readDefinitions(tx, home.tenantId),
    await readVersions(tx, home.tenantId),
    await readPast(tx, home.tenantId),
  ];
  const live: SealedTable[] = [];
  const past: SealedTable[] = [];
  for (const definition of definitions) {
    const { entity_id: entityId } = definition;
    const sealed = sealedVersions(versions.filter(({ entity_id: id }) => id === entityId));
    const columns = liveColumns(definition, sealed);
    const { hidden_table: hidden, name, document } = definition;
    const table = { table: hidden ?? entityOf(name, document).table, isDropped: hidden !== null };
    if (columns.size > 0) live.push(liveCells(home, entityId, table, columns));
    if ([...sealed.values()].every(({ size }) => size === 0)) continue;
    for (const { kind } of kinds.filter(({ entity_id: id }) => id === entityId)) {
      past.push(pastCells(home, entityId, kind, sealed));
    }
  }
  return [...live, ...past, ...TEXTS];
}

const TEXTS: readonly SealedTable[] = [
  sealedTexts({ table: 'subject_keys', key: [['key_id', 'uuid']], label: SUBJECT_KEY, of: ([id]) => id as string }),
  sealedTexts({
    table: 'idempotency_keys',
    key: [
      ['subject', 'text'],
      ['key_hash', 'bytea'],
    ],
    label: ANSWER_LABEL,
    of: ([subject, hash]) => answerPlace({ subject: subject as string, keyHash: (hash as string).slice(2) }),
  }),
];

interface VersionRow {
  readonly entity_id: string;
  readonly version: number;
  readonly name: string;
  readonly document: JsonObject;
  readonly fields: Fields;
}

interface StoredVersionRow extends VersionRow {
  readonly lineage: Lineage | null;
}

interface DefinitionRow extends VersionRow {
  readonly hidden_table: string | null;
  readonly transition: PreparedTransition | null;
}

/** Of the document in force, of what it dropped and keeps, and of what is being prepared. */
function liveColumns(
  { name, document, fields, transition }: DefinitionRow,
  versions: SealedVersions,
): Map<string, SealedProperty> {
  const byField = new Map(
    [...versions.values()].flatMap((properties) =>
      [...properties.values()].map((property) => [property.encrypted?.field, property] as const),
    ),
  );
  const columns = sealedColumns(withFields(entityOf(name, document), fields));
  for (const [column, field] of Object.entries(fields)) {
    const property = byField.get(field);
    if (column.startsWith('~') && property) columns.set(column, property);
  }
  for (const shadow of transition?.shadows ?? []) if (shadow.encrypted) columns.set(shadow.column, shadow);
  return columns;
}

/** In order of version: what a field was last stands last. Also what a version held in plain text, and a later one encrypted. */
function sealedVersions(rows: readonly StoredVersionRow[]): SealedVersions {
  const steps = rows.map(({ version, name, document, fields, lineage }): VersionStep => {
    const renames = lineage ? { renames: new Map(lineage.renames) } : {};
    return { version, entity: withFields(entityOf(name, document), fields), ...renames, restored: new Map(lineage?.restored) };
  });
  const later = sealedLater(steps);
  return new Map(
    steps.map(({ version, entity }, index) => {
      const former = [...(later[index]?.values() ?? [])].map((property) => [property.column, property] as const);
      return [version, new Map<string, SealedProperty>([...former, ...sealedColumns(entity)])];
    }),
  );
}

function sealedColumns({ properties }: Entity): Map<string, SealedProperty> {
  return new Map(properties.flatMap((property) => (property.encrypted ? [[property.column, property] as const] : [])));
}

/** Also of entities that were dropped, and can be restored. */
async function readDefinitions(tx: SystemTx, tenantId: string): Promise<DefinitionRow[]> {
  return tx.run<DefinitionRow>({
    text: `select entity_id, version, name, document, coalesce(fields, '{}') as fields, hidden_table, transition
from business_store_service.tenant_schemas
where tenant_id = $1
  and purged_at is null
order by entity_id`,
    values: [tenantId],
  });
}

/** Of entities of which some version encrypted something, all: without a gap, each property is followed through them. */
async function readVersions(tx: SystemTx, tenantId: string): Promise<StoredVersionRow[]> {
  return tx.run<StoredVersionRow>({
    text: `select v.entity_id, v.version, coalesce(v.name, s.name) as name, v.document, coalesce(v.fields, '{}') as fields, v.lineage
from business_store_service.entity_versions as v
join business_store_service.tenant_schemas as s using (tenant_id, entity_id)
where v.tenant_id = $1
  and s.purged_at is null
  and exists (
    select
    from business_store_service.entity_versions as sealed
    where sealed.tenant_id = v.tenant_id
      and sealed.entity_id = v.entity_id
      and sealed.fields::text <> '{}'
  )
order by v.entity_id, v.version`,
    values: [tenantId],
  });
}

async function readPast(tx: SystemTx, tenantId: string): Promise<{ readonly entity_id: string; readonly kind: PastKind }[]> {
  return tx.run({
    text: `select entity_id, kind
from business_store_service.past_tables
where tenant_id = $1
order by entity_id, kind desc`,
    values: [tenantId],
  });
}
