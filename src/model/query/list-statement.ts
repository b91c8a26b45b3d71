/**
 * A `ListQuery` into one statement, with the total in the same round trip when it is asked for, and its rows back into
 * page and total. Used by the records store.
 */

import { tableRef } from '../ddl/table-ref.js';
import type { Entity, TenantHome } from '../entity.js';
import { quoteIdent, type Statement } from '../sql.js';
import type { ListQuery, OrderTerm } from './ast.js';
import { compileCondition } from './compile-filter.js';

type Row = readonly (string | null)[];

/**
 * `columns` are the physical columns wanted, in order; each row of the answer holds their texts in that order. With
 * `query.count` two columns come before them: the total and the row's id, or NULL where the page is empty and the one
 * row carries nothing but the total. `readListRows` reads both layouts.
 */
export function listStatement(home: TenantHome, entity: Entity, query: ListQuery, columns: readonly string[]): Statement {
  const values: (string | null)[] = [home.tenantId];
  const filter = [
    `from ${tableRef(home, entity)}`,
    'where tenant_id = $1',
    ...query.where.map((condition) => `  and ${compileCondition(condition, values)}`),
  ];
  const page = [
    ...filter,
    `order by ${query.order.map((term) => orderTerm(term)).join(', ')}`,
    `limit $${values.push(String(query.limit))}::bigint`,
    `offset $${values.push(String(query.offset))}::bigint`,
  ];
  const lines = query.count ? withTotal(query, columns, filter, page) : [`select ${columnList(columns)}`, ...page];
  return { text: lines.join('\n'), values };
}

/**
 * The total stands left of the join, so it is there when the page is empty. The page is sorted again outside, because
 * SQL promises nothing of a subquery's order; already sorted, that costs one comparison per row. A window count would
 * be lost with an empty page, and a union would tie both halves to the same types.
 */
function withTotal(query: ListQuery, columns: readonly string[], filter: readonly string[], page: readonly string[]): string[] {
  const paged = [...new Set(['id', ...columns, ...query.order.map((term) => term.field.column)])];
  return [
    `select total.count, ${columnList(['id', ...columns], 'page.')}`,
    'from (',
    '  select count(*) as count',
    ...filter.map(indented),
    ') as total',
    'left join (',
    `  select ${columnList(paged)}`,
    ...page.map(indented),
    ') as page on true',
    `order by ${query.order.map((term) => orderTerm(term, 'page.')).join(', ')}`,
  ];
}

/** What `listStatement` returned, taken apart: `rows` hold exactly the columns asked for. */
export function readListRows(query: ListQuery, rows: readonly Row[]): { total: number | null; rows: readonly Row[] } {
  if (!query.count) return { total: null, rows };
  const found = rows.filter((row) => row[1] !== null);
  return { total: Number(rows[0]?.[0] ?? 0), rows: found.map((row) => row.slice(2)) };
}

function columnList(columns: readonly string[], qualifier = ''): string {
  return columns.map((column) => qualifier + quoteIdent(column)).join(', ');
}

function orderTerm({ field, descending, nulls }: OrderTerm, qualifier = ''): string {
  return `${qualifier}${quoteIdent(field.column)}${descending ? ' desc' : ''}${nulls ? ` nulls ${nulls}` : ''}`;
}

function indented(line: string): string {
  return `  ${line}`;
}
