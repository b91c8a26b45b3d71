import type { Entity, TenantHome } from '../entity.js';
import { quoteIdent } from '../sql.js';

/** The table of an entity, schema-qualified and quoted: DDL never relies on a search_path. Used by every file beside it. */
export function tableRef(home: TenantHome, { table }: Pick<Entity, 'table'>): string {
  return qualified(home, table);
}

/** A table or an index of the tenant by its physical name. */
export function qualified({ schema }: TenantHome, name: string): string {
  return `${quoteIdent(schema)}.${quoteIdent(name)}`;
}
