import { columnType } from '../ddl/column.js';
import { tableRef } from '../ddl/table-ref.js';
import { type Entity, EXTRA_COLUMN, type Property, TENANT_COLUMN, type TenantHome } from '../entity.js';
import { keptSql, LATER } from '../past/kept-sql.js';
import { type NameStatement, quoteIdent, type Statement } from '../sql.js';
import { AUDIT_PARAMETERS, auditParameters, auditSql } from './audit-sql.js';
import { shadowColumns } from './shadow-columns.js';
import type { WriteContext } from './write-context.js';

/**
 * Locks, updates and deletes one record. A change is two statements: the first locks the row and reads what was there,
 * the second changes it and writes the audit event of exactly the row it changed.
 */

export interface ChangeStatements {
  lock(id: string): Statement;
  /** Replaces every column by the given texts, aligned with `entity.properties`. */
  update(
    id: string,
    values: readonly (string | null)[],
    extra: string | null,
    event: ChangeEvent,
    context: WriteContext,
  ): Statement;
  delete(id: string, event: ChangeEvent, context: WriteContext): Statement;
}

export interface ChangeEvent {
  readonly eventId: string;
  /** JSON text with `before`, and `after` unless deleted. */
  readonly body: string;
}

/** $8 is the record's id, $9 the event's text; the columns follow. */
const ID = `$${AUDIT_PARAMETERS + 1}`;
const BODY = `$${AUDIT_PARAMETERS + 2}`;
const FIRST_COLUMN = AUDIT_PARAMETERS + 3;

/** @param columns physical columns, in order, that locking reads and that a change returns; both hold the id. */
export function changeStatements(
  home: TenantHome,
  entity: Entity,
  columns: { readonly lock: readonly string[]; readonly change: readonly string[] },
  nameOf: NameStatement,
): ChangeStatements {
  const table = tableRef(home, entity);
  const answer = columns.change.map(quoteIdent).join(', ');
  const lockText = `select ${columns.lock.map(quoteIdent).join(', ')}
from ${table}
where ${TENANT_COLUMN} = $1::uuid
  and id = $2::uuid
for update`;
  const changing = (action: 'updated' | 'deleted', change: string): string => `with ${keptSql(home, entity, {
    rows: `where former.${TENANT_COLUMN} = $1::uuid\n    and former.id = ${ID}::uuid`,
    deletion: action === 'deleted' ? '$5::uuid' : null,
  })}${action} as (
  ${change}
  where ${TENANT_COLUMN} = $1::uuid
    and id = ${ID}::uuid
  returning ${answer}
),
${auditSql(`record.${action}`, {
  events: `select $event, $5::uuid, id, ${BODY}\n  from ${action}`,
  marker: `select $marker\n  from ${action}`,
})}
select ${answer}
from ${action}`;
  const sqlOf = (property: Property) => `$${FIRST_COLUMN + entity.properties.indexOf(property)}::${columnType(property)}`;
  const assignments = [
    ...entity.properties.map((property) => `${quoteIdent(property.column)} = ${sqlOf(property)}`),
    `${EXTRA_COLUMN} = $${FIRST_COLUMN + entity.properties.length}::jsonb`,
    ...shadowColumns(entity, (property) => `(${sqlOf(property)})`).map(({ column, value }) => `${column} = ${value}`),
    LATER,
    'updated_by = $2',
    'revision = revision + 1',
  ];
  const updateText = changing('updated', `update ${table}\n  set ${assignments.join(',\n      ')}`);
  const deleteText = changing('deleted', `delete from ${table}`);
  const names = { lock: nameOf(lockText), update: nameOf(updateText), delete: nameOf(deleteText) };
  const common = (id: string, { eventId, body }: ChangeEvent, context: WriteContext) => [
    ...auditParameters(home.tenantId, entity.name, context, { first: eventId, last: eventId, count: 1 }),
    id,
    body,
  ];
  return {
    lock: (id) => ({ text: lockText, values: [home.tenantId, id], name: names.lock }),
    update: (id, values, extra, event, context) => ({
      text: updateText,
      values: [...common(id, event, context), ...values, extra],
      name: names.update,
    }),
    delete: (id, event, context) => ({ text: deleteText, values: common(id, event, context), name: names.delete }),
  };
}
