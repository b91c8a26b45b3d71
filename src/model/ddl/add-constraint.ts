import type { Entity, TenantHome } from '../entity.js';
import { quoteIdent } from '../sql.js';
import { tableRef } from './table-ref.js';

/** Adds a named constraint; `definition` is what follows the name, such as `unique ("sku")`. */
export function addConstraint(
  home: TenantHome,
  entity: Pick<Entity, 'table'>,
  { name, definition }: { readonly name: string; readonly definition: string },
): string {
  return `alter table ${tableRef(home, entity)} add constraint ${quoteIdent(name)} ${definition}`;
}
