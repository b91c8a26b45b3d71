import type { Entity, TenantHome, UniqueKey } from '../entity.js';
import { quoteIdent } from '../sql.js';
import { columnOf } from './column.js';
import { tableRef } from './table-ref.js';

/** A unique constraint, not a bare index, so that relations can point at it. Rows where a member is NULL never collide. */
export function addUnique(home: TenantHome, entity: Entity, key: UniqueKey): string {
  const columns = key.properties.map((name) => columnOf(entity, name)).join(', ');
  return `alter table ${tableRef(home, entity)} add constraint ${quoteIdent(key.name)} unique (${columns})`;
}
