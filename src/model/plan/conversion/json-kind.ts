import type { ColumnType } from '../../entity.js';

/** What the values of a column are in JSON. */
export function jsonKind(type: Exclude<ColumnType, 'jsonb'>): 'string' | 'number' | 'boolean' {
  switch (type) {
    case 'boolean':
      return 'boolean';
    case 'bigint':
    case 'double precision':
      return 'number';
    default:
      return 'string';
  }
}
