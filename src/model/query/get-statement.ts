import { tableRef } from '../ddl/table-ref.js';
import type { Entity, TenantHome } from '../entity.js';
import { quoteIdent, type Statement } from '../sql.js';

/**
 * One record by its id, at most one row, the given physical columns in order. Called once per entity and column list;
 * what it returns only fills in the id, whose syntax the caller has checked. With `namePrefix` the statement is
 * prepared once per connection: the prefix must tell apart schema, entity, version and column list.
 */
export function getStatement(
  home: TenantHome,
  entity: Entity,
  columns: readonly string[],
  namePrefix?: string,
): (id: string) => Statement {
  const text = [
    `select ${columns.map(quoteIdent).join(', ')}`,
    `from ${tableRef(home, entity)}`,
    'where tenant_id = $1',
    '  and id = $2',
  ].join('\n');
  const name = namePrefix === undefined ? undefined : `${namePrefix}get`;
  return (id) => ({ text, values: [home.tenantId, id], name });
}
