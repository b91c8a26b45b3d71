import { type Actor, asService } from '../database/context-token.js';
import type { ControlPlane, TenantQuery } from '../database/control-plane.js';
import { ReadDocument } from '../entities/read-documents.js';
import { qualified } from '../model/ddl/table-ref.js';
import type { TenantHome } from '../model/entity.js';
import { type PastKind, pastTable } from '../model/past/past-tables.js';
import type { Fields } from '../model/sealed/fields.js';
import { quoteIdent } from '../model/sql.js';
import type { JsonValue } from '../platform/json-value.js';
import type { Tenant } from '../tenants/tenant-directory.js';

/** What nobody could read any more without a tenant's keys, as a count: nothing is opened for it. */

export interface UnreadableEntity {
  readonly entity: string;
  /** Properties, by their names now; of dropped ones that are kept, the names that their values were encrypted under. */
  readonly properties: readonly string[];
  readonly cells: {
    /** Of records there are. */
    readonly live: number;
    /** Of former versions and deleted records that are kept. */
    readonly past: number;
  };
}

interface EntityRow {
  readonly id: string;
  readonly name: string;
  readonly document: JsonValue;
  readonly fields: Fields | null;
  readonly hiddenTable: string | null;
}

/** How the text of a cell begins, whatever column it was kept from: what was kept before it was encrypted does not. */
const CELL = '^\\\\x0[1-4]01[0-9a-f]{60,}$';

export async function unreadableCells(controlPlane: ControlPlane, actor: Actor, tenant: Tenant): Promise<UnreadableEntity[]> {
  return controlPlane.inTenant(actor, tenant.home, async (tx) => {
    const rows = await tx.run<EntityRow>({
      text: `select entity_id as id, name, document, fields, hidden_table as "hiddenTable"
from business_store_service.tenant_schemas as definition
where tenant_id = $1
  and purged_at is null
  and exists (
    select
    from business_store_service.entity_versions as version
    where version.tenant_id = definition.tenant_id
      and version.entity_id = definition.entity_id
      and version.fields::text <> '{}'
  )
order by name`,
      values: [tenant.id],
    });
    const tables = await tx.run<{ entityId: string; kind: PastKind }>({
      text: `select entity_id as "entityId", kind
from business_store_service.past_tables
where tenant_id = $1`,
      values: [tenant.id],
    });
    const past = new Set(tables.map(({ entityId, kind }) => pastTable(kind, entityId)));
    return tx.asTenant(tenant.home, asService(actor), async (query) => {
      const counted: UnreadableEntity[] = [];
      for (const row of rows) counted.push(await countOf(query, tenant.home, row, past));
      return counted;
    });
  });
}

async function countOf(
  query: TenantQuery,
  home: TenantHome,
  { id, name, document, fields, hiddenTable }: EntityRow,
  past: ReadonlySet<string>,
): Promise<UnreadableEntity> {
  const { entity } = ReadDocument.of(name, document);
  const sealed = entity.properties.filter(({ encrypted }) => encrypted);
  const hidden = Object.entries(fields ?? {}).filter(([column]) => column.startsWith('~'));
  const columns = [...sealed.map(({ column }) => column), ...hidden.map(([column]) => column)];
  // What was decrypted is encrypted in the past alone.
  const live =
    columns.length === 0
      ? 0
      : await sumOf(query, {
          text: `select ${columns.map((column) => `count(${quoteIdent(column)})`).join(' + ')}
from ${qualified(home, hiddenTable ?? entity.table)}
where tenant_id = $1`,
          values: [home.tenantId],
        });
  let kept = 0;
  for (const table of [pastTable('history', id), pastTable('deleted', id)].filter((table) => past.has(table))) {
    kept += await sumOf(query, {
      text: `select count(*)
from ${qualified(home, table)} as kept
cross join lateral jsonb_each_text(kept.body) as column_of (name, value)
where kept.tenant_id = $1
  and column_of.value ~ $2`,
      values: [home.tenantId, CELL],
    });
  }
  const properties = [...sealed.map((property) => property.name), ...hidden.map(([, field]) => field)];
  return { entity: name, properties, cells: { live, past: kept } };
}

async function sumOf(query: TenantQuery, statement: { text: string; values: string[] }): Promise<number> {
  const [row] = await query(statement);
  return Number(row?.[0] ?? 0);
}
