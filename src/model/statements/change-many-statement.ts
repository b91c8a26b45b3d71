import { holdsPersonal } from '../access/personal.js';
import { parameterSql, rowRuleSql, writableRows } from '../access/row-rule-sql.js';
import { tableRef } from '../ddl/table-ref.js';
import { type Entity, EXTRA_COLUMN, TENANT_COLUMN, type TenantHome } from '../entity.js';
import { keptSql } from '../past/kept-sql.js';
import { nullableArrayLiteral } from '../query/array-literal.js';
import type { ReadNode } from '../query/ast.js';
import { type Compilation, conditionLines, statementOf } from '../query/compile-node.js';
import { writtenKeys } from '../sealed/written-keys.js';
import { type NameStatement, quoteIdent, type Statement } from '../sql.js';
import { AUDIT_PARAMETERS, type AuditedEvents, auditParameters, auditSql, eventsOfInput } from './audit-sql.js';
import type { NewRecord } from './insert-statement.js';
import { shadowColumns, writtenColumns } from './shadow-columns.js';
import type { WriteContext } from './write-context.js';

/** Changes whatever a filter finds: one statement locks and reads the records, another changes all of them with their events. */

/** What the table is called whose rows are locked. */
const FOUND = 'found';

/**
 * At most `limit` of the records that the conditions of a query find, the given physical columns in order. In the order of their ids,
 * so that two changes that meet in the same records wait for each other rather than deadlock.
 */
export function lockFoundStatement(
  home: TenantHome,
  { entity, where }: Pick<ReadNode, 'entity' | 'where'>,
  columns: readonly string[],
  limit: number,
): Statement {
  const compilation: Compilation = { home, sources: null, values: [home.tenantId], aliases: 0 };
  const node: ReadNode = { entity, where, select: [{ kind: 'all' }], order: [], limit, offset: 0, isGrouped: false };
  const conditions = conditionLines(compilation, node, `${FOUND}.`);
  const own = writableRows(entity, `${FOUND}.`, compilation.values.length);
  compilation.values.push(...own.values);
  const text = [
    `select ${columns.map((column) => `${FOUND}.${quoteIdent(column)}`).join(', ')}`,
    `from ${tableRef(home, entity)} as ${FOUND}`,
    `where ${FOUND}.${TENANT_COLUMN} = $1${own.sql}`,
    ...conditions,
    `order by ${FOUND}.id`,
    `limit $${compilation.values.push(String(limit))}::bigint`,
    `for update of ${FOUND}`,
  ].join('\n');
  return statementOf(compilation, text);
}

/** One row, if the conditions find a record that the caller may read and not write. */
export function unwritableFoundStatement(home: TenantHome, { entity, where }: Pick<ReadNode, 'entity' | 'where'>): Statement {
  const compilation: Compilation = { home, sources: null, values: [home.tenantId], aliases: 0 };
  const node: ReadNode = { entity, where, select: [{ kind: 'all' }], order: [], limit: 1, offset: 0, isGrouped: false };
  const conditions = conditionLines(compilation, node, `${FOUND}.`);
  const written = rowRuleSql(entity.rows?.write ?? true, `${FOUND}.`, parameterSql(compilation.values));
  const text = [
    'select',
    `from ${tableRef(home, entity)} as ${FOUND}`,
    `where ${FOUND}.${TENANT_COLUMN} = $1`,
    ...conditions,
    `  and (${written}) is not true`,
    'limit 1',
  ].join('\n');
  return statementOf(compilation, text);
}

/** The records, which are locked and at least one, with what they are to hold; they come back in any order. */
export type ChangeManyStatement = (records: readonly NewRecord[], events: AuditedEvents, context: WriteContext) => Statement;

/** @param returning physical columns, in order, for the row writer. */
export function changeManyStatement(
  home: TenantHome,
  entity: Entity,
  returning: readonly string[],
  nameOf: NameStatement,
): ChangeManyStatement {
  const opens = holdsPersonal(entity);
  const written = writtenColumns(entity);
  const types = ['uuid', 'uuid', 'text', 'jsonb', ...written.map(({ type }) => type), ...(opens ? ['text'] : [])];
  const cells = written.map((_, index) => `c${index}`);
  const names = ['id', 'event_id', 'body', 'extra', ...cells, ...(opens ? ['openings'] : [])];
  const inputValue = (index: number): string => `input.c${index}`;
  const assignments = [
    ...written.map(({ column }, index) => `${column} = ${inputValue(index)}`),
    `${EXTRA_COLUMN} = input.extra`,
    ...shadowColumns(entity, {
      sqlOf: (property) => inputValue(entity.properties.indexOf(property)),
      revision: `${FOUND}.revision + 1`,
    }).map(({ column, value }) => `${column} = ${value}`),
    `updated_at = greatest(now(), ${FOUND}.updated_at)`,
    'updated_by = $2',
    `revision = ${FOUND}.revision + 1`,
  ];
  const rows = `join input\n    on former.id = input.id\n  where former.${TENANT_COLUMN} = $1::uuid`;
  const text = `with input as materialized (
  select *
  from unnest(${types.map((type, index) => `$${AUDIT_PARAMETERS + index + 1}::${type}[]`).join(', ')})
    as record (${names.join(', ')})
),
${keptSql(home, entity, { rows, deletion: null })}${auditSql('record.updated', eventsOfInput(opens), { opens })}
update ${tableRef(home, entity)} as ${FOUND}
set ${assignments.join(',\n    ')}
from input
where ${FOUND}.${TENANT_COLUMN} = $1::uuid
  and ${FOUND}.id = input.id
returning ${returning.map((column) => `${FOUND}.${quoteIdent(column)}`).join(', ')}`;
  const name = nameOf(text);
  const keysOf = writtenKeys(entity);
  return (records, events, context) => {
    const column = (read: (record: NewRecord) => string | null): string => nullableArrayLiteral(records, read);
    const values = [
      ...auditParameters(home.tenantId, entity.name, context, events),
      column((record) => record.id),
      column((record) => record.eventId),
      column((record) => record.body),
      column((record) => record.extra),
      ...written.map((_, index) => column((record) => record.columns[index] as string | null)),
      ...(opens ? [column((record) => record.openings)] : []),
    ];
    return { text, values, name, ...keysOf(records.map(({ columns }) => columns)) };
  };
}
