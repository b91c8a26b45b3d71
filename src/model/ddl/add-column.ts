import type { Entity, Property, TenantHome } from '../entity.js';
import { columnDefinition } from './column.js';
import { tableRef } from './table-ref.js';

/** Adds the column of a property. Without a column default, so that no row is rewritten; defaults are the store's on insert. */
export function addColumn(home: TenantHome, entity: Entity, property: Property): string {
  return `alter table ${tableRef(home, entity)} add column ${columnDefinition(property)}`;
}
