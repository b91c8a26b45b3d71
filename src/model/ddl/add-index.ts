import type { Entity, Index, IndexMethod, TenantHome } from '../entity.js';
import { quoteIdent } from '../sql.js';
import { columnOf } from './column.js';
import { isSealed, sealedIndexes } from './sealed-index.js';
import { tableRef } from './table-ref.js';

const ACCESS_METHOD: Record<IndexMethod, string> = { btree: 'btree', gin: 'gin', trgm: 'gin', brin: 'brin' };

/** A plain index, or the two over tags; the table need not be empty, but nobody writes to it meanwhile. */
export function addIndex(home: TenantHome, entity: Entity, index: Index): readonly string[] {
  const { name } = index;
  const fields = index.fields.map(({ property }) => property);
  const indexes = isSealed(entity, fields)
    ? sealedIndexes(entity, index)
    : [{ name, definition: indexDefinition(entity, index) }];
  return indexes.map((each) => `create index ${quoteIdent(each.name)} on ${tableRef(home, entity)} ${each.definition}`);
}

/**
 * `using btree ("status", "createdAt" desc)`. Direction belongs to btree alone: the other methods keep no order and refuse the
 * word. trgm names its operator class with the schema of the extension (pg_trgm in public), as no search_path is relied on.
 */
export function indexDefinition(entity: Entity, index: Index): string {
  const fields = index.fields.map(({ property, descending }) => {
    const column = columnOf(entity, property);
    if (index.method === 'trgm') return `${column} public.gin_trgm_ops`;
    return index.method === 'btree' && descending ? `${column} desc` : column;
  });
  return `using ${ACCESS_METHOD[index.method]} (${fields.join(', ')})`;
}
