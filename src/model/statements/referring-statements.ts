import type { AuditedBody } from '../access/audited-body.js';
import { tableRef } from '../ddl/table-ref.js';
import { type Entity, EXTRA_COLUMN, type Property, TENANT_COLUMN, type TenantHome } from '../entity.js';
import { keptSql, LATER } from '../past/kept-sql.js';
import { arrayLiteral, nullableArrayLiteral } from '../query/array-literal.js';
import { type NameStatement, quoteIdent, quoteLiteral, type Statement } from '../sql.js';
import { AUDIT_PARAMETERS, type AuditedEvents, auditParameters, auditSql, eventsOfInput } from './audit-sql.js';
import { emptiedShadows } from './shadow-columns.js';
import type { WriteContext } from './write-context.js';

/**
 * What the deletion of a record does to the records that refer to it: finds and locks them, empties their relation, deletes
 * them. Each change tells the audit trail in the same statement. Used by the walk along the relations of a deleted record.
 */

/** A locked record, and the event of what happens to it. */
export interface ReferringChange extends AuditedBody {
  readonly id: string;
  readonly eventId: string;
}

const parameter = (index: number): string => `$${AUDIT_PARAMETERS + index}`;

/**
 * At most `limit` records whose property holds one of the texts, the given physical columns in order. In the order of their
 * ids, so that two deletions that meet in the same records wait for each other rather than deadlock.
 */
export function lockReferringStatement(
  home: TenantHome,
  entity: Entity,
  { column, type }: Property,
  columns: readonly string[],
  nameOf: NameStatement,
): (keys: readonly string[], limit: number) => Statement {
  // The bare type: numeric(10,2) would round a key of more digits to one that it is not.
  const text = `select ${columns.map(quoteIdent).join(', ')}
from ${tableRef(home, entity)}
where ${TENANT_COLUMN} = $1::uuid
  and ${quoteIdent(column)} = any($2::${type}[])
order by id
limit $3::integer
for update`;
  const name = nameOf(text);
  return (keys, limit) => ({ text, values: [home.tenantId, arrayLiteral(keys), String(limit)], name });
}

/** Empties the properties in every one of the records, which are locked and at least one. */
export function detachStatement(
  home: TenantHome,
  entity: Entity,
  properties: readonly Property[],
  records: readonly ReferringChange[],
  events: AuditedEvents,
  context: WriteContext,
): Statement {
  // What is required stays, as an explicit null; what is optional is gone.
  const nulls = properties.filter(({ required }) => required).map(({ name }) => [name, null]);
  const assignments = [
    ...properties.map(({ column }) => `${quoteIdent(column)} = null`),
    ...emptiedShadows(entity, properties, 'revision + 1').map(({ column, value }) => `${column} = ${value}`),
    ...(nulls.length === 0
      ? []
      : [
          `${EXTRA_COLUMN} = coalesce(${EXTRA_COLUMN}, '{}'::jsonb) || ${quoteLiteral(JSON.stringify(Object.fromEntries(nulls)))}::jsonb`,
        ]),
    LATER,
    'updated_by = $2',
    'revision = revision + 1',
  ];
  const rows = `where former.${TENANT_COLUMN} = $1::uuid\n    and former.id = any(${parameter(1)}::uuid[])`;
  const text = `with input as materialized (
  select *
  from unnest(${parameter(1)}::uuid[], ${parameter(2)}::uuid[], ${parameter(3)}::text[], ${parameter(4)}::text[])
    as record (id, event_id, body, openings)
),
${keptSql(home, entity, { rows, deletion: null })}${auditSql('record.updated', eventsOfInput(true), { opens: true })}
update ${tableRef(home, entity)}
set ${assignments.join(',\n    ')}
where ${TENANT_COLUMN} = $1::uuid
  and id = any(${parameter(1)}::uuid[])`;
  return { text, values: [...auditParameters(home.tenantId, entity.name, context, events), ...arraysOf(records)] };
}

/**
 * Deletes the locked records of all these entities, which are at least one, in one statement: foreign keys act and restrict
 * once all of it is done, so neither a cycle nor the order of the entities takes a record away before its turn.
 */
export function removeStatement(
  home: TenantHome,
  removed: readonly { readonly entity: Entity; readonly records: readonly ReferringChange[] }[],
  events: AuditedEvents,
  context: WriteContext,
): Statement {
  const deletions = removed.map(
    ({ entity }, index) => `delete from ${tableRef(home, entity)}
  where ${TENANT_COLUMN} = $1::uuid
    and id = any(${parameter(index + 5)}::uuid[])`,
  );
  // By the last event, which is of what was asked for.
  const kept = removed.map(({ entity }, index) =>
    keptSql(home, entity, {
      rows: `where former.${TENANT_COLUMN} = $1::uuid\n    and former.id = any(${parameter(index + 5)}::uuid[])`,
      deletion: '$6::uuid',
      suffix: `_${index}`,
    }),
  );
  const text = `with input as materialized (
  select *
  from unnest($4::text[], ${parameter(1)}::uuid[], ${parameter(2)}::uuid[], ${parameter(3)}::text[], ${parameter(4)}::text[])
    as record (entity, id, event_id, body, openings)
),
${kept.join('')}${auditSql('record.deleted', eventsOfInput(true), { entity: 'entity', opens: true })},
${deletions.map((deletion, index) => `deleted_${index} as (\n  ${deletion}\n)`).join(',\n')}
select`;
  const all = removed.flatMap(({ records }) => records);
  const entities = arrayLiteral(removed.flatMap(({ entity, records }) => records.map(() => entity.name)));
  const ids = removed.map(({ records }) => arrayLiteral(records.map(({ id }) => id)));
  return { text, values: [...auditParameters(home.tenantId, entities, context, events), ...arraysOf(all), ...ids] };
}

function arraysOf(records: readonly ReferringChange[]): string[] {
  return [
    arrayLiteral(records.map(({ id }) => id)),
    arrayLiteral(records.map(({ eventId }) => eventId)),
    arrayLiteral(records.map(({ body }) => body)),
    nullableArrayLiteral(records, ({ openings }) => openings),
  ];
}
