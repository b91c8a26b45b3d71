import type { Entity, TenantHome } from '../entity.js';
import { quoteIdent } from '../sql.js';

/** The table of an entity, schema-qualified and quoted: DDL never relies on a search_path. Used by every file beside it. */
export function tableRef(home: TenantHome, entity: Entity): string {
  return `${quoteIdent(home.schema)}.${quoteIdent(entity.table)}`;
}
