import type { Entity, TenantHome, UniqueKey } from '../entity.js';
import { quoteIdent } from '../sql.js';
import { addConstraint } from './add-constraint.js';
import { columnOf } from './column.js';
import { isSealed, sealedKeyIndexes } from './sealed-index.js';
import { tableRef } from './table-ref.js';

/**
 * A unique constraint, not a bare index, so that relations can point at it; what is encrypted no relation points at. Rows where a
 * member is NULL never collide.
 */
export function addUnique(home: TenantHome, entity: Entity, key: UniqueKey): readonly string[] {
  if (isSealed(entity, key.properties)) {
    return sealedKeyIndexes(entity, key).map(
      ({ name, definition }) => `create unique index ${quoteIdent(name)} on ${tableRef(home, entity)} ${definition}`,
    );
  }
  return [addConstraint(home, entity, { name: key.name, definition: uniqueDefinition(entity, key) })];
}

/** `unique ("sku", "site")` */
export function uniqueDefinition(entity: Entity, key: UniqueKey): string {
  return `unique (${key.properties.map((name) => columnOf(entity, name)).join(', ')})`;
}
