import { parameterSql, rowRuleSql } from '../access/row-rule-sql.js';
import { tableRef } from '../ddl/table-ref.js';
import type { Entity, TenantHome } from '../entity.js';
import { type NameStatement, quoteIdent, type Statement } from '../sql.js';

/**
 * One record by its id, at most one row, the given physical columns in order. Called once per entity and column list;
 * what it returns only fills in the id, whose syntax the caller has checked. With `nameOf` it is prepared once per
 * connection. Of an entity of which the caller has some rows, another is not found.
 */
export function getStatement(
  home: TenantHome,
  entity: Entity,
  columns: readonly string[],
  nameOf?: NameStatement,
): (id: string) => Statement {
  const rows: (string | null)[] = [];
  const { read = true } = entity.rows ?? {};
  // The tenant and the id come first.
  const own = read === true ? [] : [`  and ${rowRuleSql(read, '', parameterSql(rows, 2))}`];
  const text = [
    `select ${columns.map(quoteIdent).join(', ')}`,
    `from ${tableRef(home, entity)}`,
    'where tenant_id = $1',
    '  and id = $2',
    ...own,
  ].join('\n');
  const name = nameOf?.(text);
  return (id) => ({ text, values: own.length === 0 ? [home.tenantId, id] : [home.tenantId, id, ...rows], name });
}
