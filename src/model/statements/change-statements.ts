import { type Entity, EXTRA_COLUMN, TENANT_COLUMN, type TenantHome } from '../entity.js';
import { type NameStatement, quoteIdent, type Statement } from '../sql.js';
import { auditSql } from './audit-sql.js';
import type { WriteContext } from './write-context.js';

/**
 * Locks, updates and deletes one record. A change is two statements: the first locks the row and reads what was there,
 * the second changes it and writes the audit event of exactly the rows it changed.
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

/** @param columns physical columns, in order, that locking reads and that a change returns. */
export function changeStatements(
  home: TenantHome,
  entity: Entity,
  columns: { readonly lock: readonly string[]; readonly change: readonly string[] },
  nameOf: NameStatement,
): ChangeStatements {
  const table = `${quoteIdent(home.schema)}.${quoteIdent(entity.table)}`;
  const returning = columns.change;
  const list = returning.map(quoteIdent).join(', ');
  const where = `where ${TENANT_COLUMN} = $1::uuid
  and id = $2::uuid`;
  const lockText = `select ${columns.lock.map(quoteIdent).join(', ')}
from ${table}
${where}
for update`;
  const assignments = [
    ...entity.properties.map((property, index) => `${quoteIdent(property.column)} = $${index + 8}`),
    `${EXTRA_COLUMN} = $${entity.properties.length + 8}::jsonb`,
    'updated_at = now()',
    'updated_by = $3',
    'revision = revision + 1',
  ];
  const writing = (action: 'updated' | 'deleted', change: string): string => `with ${action} as (
  ${change.replaceAll('\n', '\n  ')}
),
event as (
  select id, $5::uuid as event_id, $6::text as body
  from ${action}
),
${auditSql('event', { tenant: '$1', actor: '$3', request: '$4', action: `'record.${action}'`, entity: '$7' })}
select ${list}
from ${action}`;
  const updateText = writing(
    'updated',
    `update ${table}\nset ${assignments.join(',\n    ')}\n${where}\nreturning ${list}${withId(returning)}`,
  );
  const deleteText = writing('deleted', `delete from ${table}\n${where}\nreturning ${list}${withId(returning)}`);
  const common = (id: string, event: ChangeEvent, context: WriteContext) => [
    home.tenantId,
    id,
    context.subject,
    context.requestId,
    event.eventId,
    event.body,
    entity.name,
  ];
  const names = { lock: nameOf(lockText), update: nameOf(updateText), delete: nameOf(deleteText) };
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

/** The audit event needs the id even where the response does not. */
function withId(returning: readonly string[]): string {
  return returning.includes('id') ? '' : ', id';
}
