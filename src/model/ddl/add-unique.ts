import type { Entity, TenantHome, UniqueKey } from '../entity.js';
import { addConstraint } from './add-constraint.js';
import { columnOf } from './column.js';

/** A unique constraint, not a bare index, so that relations can point at it. Rows where a member is NULL never collide. */
export function addUnique(home: TenantHome, entity: Entity, key: UniqueKey): string {
  return addConstraint(home, entity, { name: key.name, definition: uniqueDefinition(entity, key) });
}

/** `unique ("sku", "site")` */
export function uniqueDefinition(entity: Entity, key: UniqueKey): string {
  return `unique (${key.properties.map((name) => columnOf(entity, name)).join(', ')})`;
}
