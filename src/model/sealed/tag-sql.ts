import { quoteIdent } from '../sql.js';
import { SHORTEST_CELL, TAG_BYTES, TAGS_AT } from './cell.js';
import type { Slot } from './field-cipher.js';

/**
 * By what equal values are found: the tag in one slot of a cell, NULL where there is none. Indexes and conditions say it alike, or the
 * planner would not see that they belong together.
 * @param ref empty, or the alias of the table and a dot
 */
export function tagSql(column: string, slot: Slot, ref = ''): string {
  const at = TAGS_AT + slot * TAG_BYTES + 1;
  return `nullif(substring(${ref}${quoteIdent(column)}, ${at}, ${TAG_BYTES}), '\\x${'00'.repeat(TAG_BYTES)}'::bytea)`;
}

/**
 * What a column of cells holds can be nothing else: whoever has not heard that a property is encrypted, or is found by equal values now,
 * is refused. @param column quoted
 */
export function cellSql(column: string, searchable: boolean): string {
  const formats = searchable ? [2, 4] : [1, 3];
  const length = SHORTEST_CELL + (searchable ? 2 * TAG_BYTES : 0);
  return `substring(${column}, 1, 1) in (${formats.map((format) => `'\\x0${format}'::bytea`).join(', ')}) and octet_length(${column}) >= ${length}`;
}
