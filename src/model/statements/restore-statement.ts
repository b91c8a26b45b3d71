import { tableRef } from '../ddl/table-ref.js';
import { type Entity, EXTRA_COLUMN, TENANT_COLUMN, type TenantHome } from '../entity.js';
import { arrayLiteral, nullableArrayLiteral } from '../query/array-literal.js';
import { writtenKeys } from '../sealed/written-keys.js';
import { quoteIdent, type Statement } from '../sql.js';
import { AUDIT_PARAMETERS, type AuditedEvents, auditParameters, auditSql, eventsOfInput } from './audit-sql.js';
import type { NewRecord } from './insert-statement.js';
import { shadowColumns, writtenColumns } from './shadow-columns.js';
import type { WriteContext } from './write-context.js';

/** A deleted record as it is stored again: it goes on from the revision it had, and keeps who created it and when. */
export interface RestoredRecord extends NewRecord {
  readonly createdAt: string;
  readonly createdBy: string;
  readonly revision: string;
  /** When it was deleted: it begins anew no earlier. */
  readonly endedAt: string;
}

export interface RestoredRecords {
  readonly entity: Entity;
  readonly records: readonly RestoredRecord[];
}

/**
 * Stores deleted records of several entities again, in one statement with their events: foreign keys are checked once all of it
 * is done, so that records may refer to each other.
 * @param restored each with at least one record; of the first, which is what was asked for, the rows come back.
 * @param returning physical columns of the first, in order.
 */
export function restoreStatement(
  home: TenantHome,
  restored: readonly RestoredRecords[],
  returning: readonly string[],
  events: AuditedEvents,
  context: WriteContext,
): Statement {
  const all = restored.flatMap(({ entity, records }) => records.map((record) => ({ entity, record })));
  const values = [
    ...auditParameters(home.tenantId, arrayLiteral(all.map(({ entity }) => entity.name)), context, events),
    arrayLiteral(all.map(({ record }) => record.id)),
    arrayLiteral(all.map(({ record }) => record.eventId)),
    arrayLiteral(all.map(({ record }) => record.body)),
    nullableArrayLiteral(all, ({ record }) => record.openings),
  ];
  const insertions = restored.map(({ entity, records }, index) => insertion(home, entity, records, index, values));
  const [id, eventId, body, openings] = [1, 2, 3, 4].map((offset) => `$${AUDIT_PARAMETERS + offset}`);
  const text = `with input as materialized (
  select *
  from unnest($4::text[], ${id}::uuid[], ${eventId}::uuid[], ${body}::text[], ${openings}::text[])
    as record (entity, id, event_id, body, openings)
),
${auditSql('record.restored', eventsOfInput(true), { entity: 'entity', opens: true })},
${insertions.join(',\n')}
select ${returning.map(quoteIdent).join(', ')}
from restored_0`;
  const keys = restored.map(({ entity, records }) => writtenKeys(entity)(records.map(({ columns: texts }) => texts)));
  return Object.assign({ text, values }, ...keys);
}

function insertion(
  home: TenantHome,
  entity: Entity,
  records: readonly RestoredRecord[],
  index: number,
  values: (string | null)[],
): string {
  const written = writtenColumns(entity);
  const given: (readonly [name: string, type: string, text: (record: RestoredRecord) => string | null])[] = [
    ['id', 'uuid', ({ id }) => id],
    ['extra', 'jsonb', ({ extra }) => extra],
    ['created_at', 'timestamptz', ({ createdAt }) => createdAt],
    ['created_by', 'text', ({ createdBy }) => createdBy],
    ['revision', 'bigint', ({ revision }) => revision],
    ['ended_at', 'timestamptz', ({ endedAt }) => endedAt],
    ...written.map(({ type }, at) => {
      return [`c${at}`, type, ({ columns }: RestoredRecord) => columns[at] as string | null] as const;
    }),
  ];
  const arrays = given.map(([, type, text]) => `$${values.push(nullableArrayLiteral(records, text))}::${type}[]`);
  const shadows = shadowColumns(entity, {
    sqlOf: (property) => `(c${entity.properties.indexOf(property)})`,
    revision: 'revision + 1',
  });
  const columns = [...written.map(({ column }) => column), ...shadows.map(({ column }) => column)];
  const contents = [...written.map((_, at) => `c${at}`), ...shadows.map(({ value }) => value)];
  return `restored_${index} as (
  insert into ${tableRef(home, entity)}
    (${[TENANT_COLUMN, 'id', EXTRA_COLUMN, ...columns].join(', ')}, created_at, updated_at, created_by, updated_by, revision)
  select ${['$1::uuid', 'id', 'extra', ...contents].join(', ')}, created_at, greatest(now(), ended_at), created_by, $2, revision + 1
  from unnest(${arrays.join(', ')})
    as record (${given.map(([name]) => name).join(', ')})
  returning *
)`;
}
