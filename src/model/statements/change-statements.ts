import type { AuditedBody } from '../access/audited-body.js';
import { holdsPersonal } from '../access/personal.js';
import { writableRows } from '../access/row-rule-sql.js';
import { tableRef } from '../ddl/table-ref.js';
import { type Entity, EXTRA_COLUMN, type Property, TENANT_COLUMN, type TenantHome } from '../entity.js';
import { keptSql, LATER } from '../past/kept-sql.js';
import { writtenKeys } from '../sealed/written-keys.js';
import { type NameStatement, quoteIdent, type Statement } from '../sql.js';
import { AUDIT_PARAMETERS, auditParameters, auditSql } from './audit-sql.js';
import { shadowColumns, writtenColumns } from './shadow-columns.js';
import type { WriteContext } from './write-context.js';

/**
 * Locks, updates and deletes one record. A change is two statements: the first locks the row and reads what was there,
 * the second changes it and writes the audit event of exactly the row it changed.
 */

export interface ChangeStatements {
  lock(id: string): Statement;
  /** Replaces every column by the given texts, aligned with `writtenColumns`. */
  update(
    id: string,
    values: readonly (string | null)[],
    extra: string | null,
    event: ChangeEvent,
    context: WriteContext,
  ): Statement;
  delete(id: string, event: ChangeEvent, context: WriteContext): Statement;
}

/** The body has `before`, and `after` unless deleted. */
export interface ChangeEvent extends AuditedBody {
  readonly eventId: string;
}

/** $8 is the record's id, $9 the event's text, then what opens it if the entity holds anything personal; the columns follow. */
const ID = `$${AUDIT_PARAMETERS + 1}`;
const BODY = `$${AUDIT_PARAMETERS + 2}`;
const OPENINGS = `$${AUDIT_PARAMETERS + 3}`;

/** @param columns physical columns, in order, that locking reads and that a change returns; both hold the id. */
export function changeStatements(
  home: TenantHome,
  entity: Entity,
  columns: { readonly lock: readonly string[]; readonly change: readonly string[] },
  nameOf: NameStatement,
): ChangeStatements {
  const table = tableRef(home, entity);
  const opens = holdsPersonal(entity);
  const firstColumn = AUDIT_PARAMETERS + (opens ? 4 : 3);
  const answer = columns.change.map(quoteIdent).join(', ');
  const changing = (action: 'updated' | 'deleted', change: string): string => `with ${keptSql(home, entity, {
    rows: `where former.${TENANT_COLUMN} = $1::uuid\n    and former.id = ${ID}::uuid`,
    deletion: action === 'deleted' ? '$5::uuid' : null,
  })}${action} as (
  ${change}
  where ${TENANT_COLUMN} = $1::uuid
    and id = ${ID}::uuid
  returning ${answer}
),
${auditSql(
  `record.${action}`,
  {
    events: `select $event, $5::uuid, id, ${BODY}${opens ? `, ${OPENINGS}` : ''}\n  from ${action}`,
    marker: `select $marker\n  from ${action}`,
  },
  { opens },
)}
select ${answer}
from ${action}`;
  const written = writtenColumns(entity);
  const given = written.map(({ type }, index) => `$${firstColumn + index}::${type}`);
  const sqlOf = (property: Property) => `(${given[entity.properties.indexOf(property)]})`;
  const assignments = [
    ...written.map(({ column }, index) => `${column} = ${given[index]}`),
    `${EXTRA_COLUMN} = $${firstColumn + written.length}::jsonb`,
    ...shadowColumns(entity, { sqlOf, revision: 'revision + 1' }).map(({ column, value }) => `${column} = ${value}`),
    LATER,
    'updated_by = $2',
    'revision = revision + 1',
  ];
  const updateText = changing('updated', `update ${table}\n  set ${assignments.join(',\n      ')}`);
  const deleteText = changing('deleted', `delete from ${table}`);
  const keysOf = writtenKeys(entity);
  const names = { update: nameOf(updateText), delete: nameOf(deleteText) };
  const common = (id: string, { eventId, body, openings }: ChangeEvent, context: WriteContext) => [
    ...auditParameters(home.tenantId, entity.name, context, { first: eventId, last: eventId, count: 1 }),
    id,
    body,
    ...(opens ? [openings] : []),
  ];
  return {
    lock: lockStatement(home, entity, columns.lock, nameOf),
    update: (id, values, extra, event, context) => ({
      text: updateText,
      values: [...common(id, event, context), ...values, extra],
      name: names.update,
      ...keysOf([values]),
    }),
    delete: (id, event, context) => ({ text: deleteText, values: common(id, event, context), name: names.delete }),
  };
}

/** At most one row, which is the caller's to write. */
export function lockStatement(
  home: TenantHome,
  entity: Entity,
  columns: readonly string[],
  nameOf: NameStatement,
): (id: string) => Statement {
  const { sql, values } = writableRows(entity, '', 2);
  const text = `select ${columns.map(quoteIdent).join(', ')}
from ${tableRef(home, entity)}
where ${TENANT_COLUMN} = $1::uuid
  and id = $2::uuid${sql}
for update`;
  const name = nameOf(text);
  return (id) => ({ text, values: [home.tenantId, id, ...values], name });
}
