import { type ColumnType, type Entity, EXTRA_COLUMN, isSystemMember, SYSTEM_MEMBERS, type TenantHome } from '../entity.js';
import { quoteIdent, type Statement } from '../sql.js';
import type { ReadWriter } from '../values/read-writer.js';
import type { ReadQuery } from './ast.js';
import { cellSql, columnsBehind, compilationOf, conditionLines, indented, rowsOf, statementOf } from './compile-node.js';

/**
 * The records of a query that come after one, in the order of their ids: some rows, and no more of them than their values fit
 * into so many bytes, but one. Used by exports, which read batch by batch and hold one in memory.
 */

/** No column of an entity is called so. */
const BEFORE = quoteIdent('~before');

/** Rows hold the id and then the texts of the writer's cells. `after` is null at the beginning. */
export function exportStatement(
  home: TenantHome,
  query: ReadQuery,
  { cells }: ReadWriter,
  page: { readonly after: string | null; readonly rows: number; readonly bytes: number },
): Statement {
  const { entity } = query;
  const compilation = compilationOf(home, query);
  const columns = [...new Set(['id', ...columnsBehind(cells, [])])];
  const conditions = conditionLines(compilation, query, '').flatMap((line) => line.split('\n'));
  const after = page.after === null ? [] : [`  and id > $${compilation.values.push(page.after)}::uuid`];
  const limit = `limit $${compilation.values.push(String(page.rows))}::bigint`;
  const rows = [
    `select ${columns.map(quoteIdent).join(', ')}`,
    ...`from ${rowsOf(compilation, entity, query.asOf === null ? '' : 'found')}`.split('\n'),
    'where tenant_id = $1',
    ...[...conditions, ...after],
    'order by id',
    limit,
  ];
  const sized = [
    'select *,',
    `  coalesce(sum(${sizeSql(entity, columns)}) over (order by id rows between unbounded preceding and 1 preceding), 0) as ${BEFORE}`,
    'from (',
    ...rows.map(indented),
    ') as found',
  ];
  const text = [
    `select ${['page."id"', ...cells.map((cell) => cellSql(compilation, cell, 'page.'))].join(', ')}`,
    'from (',
    ...sized.map(indented),
    ') as page',
    `where page.${BEFORE} < $${compilation.values.push(String(page.bytes))}::bigint`,
    'order by page."id"',
  ].join('\n');
  return statementOf(compilation, text);
}

/** The bytes of a row's texts, near enough. Of text and bytea Postgres knows them without reading the value. */
function sizeSql(entity: Entity, columns: readonly string[]): string {
  const types = new Map<string, ColumnType>(entity.properties.map(({ column, type }) => [column, type]));
  const terms = columns.flatMap((column) => {
    const type = column === EXTRA_COLUMN ? 'jsonb' : isSystemMember(column) ? SYSTEM_MEMBERS[column] : types.get(column);
    const name = quoteIdent(column);
    if (type === 'text') return [`coalesce(octet_length(${name}), 0)`];
    if (type === 'bytea') return [`coalesce(octet_length(${name}), 0) * 2`];
    if (type === 'jsonb') return [`coalesce(octet_length(${name}::text), 0)`];
    if (type === 'numeric' || type === 'numrange') return [`coalesce(pg_column_size(${name}), 0) * 2`];
    return [];
  });
  return [String(20 * columns.length), ...terms].join(' + ');
}
