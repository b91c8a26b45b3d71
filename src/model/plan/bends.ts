import type { ColumnType } from '../entity.js';

/**
 * Whether Postgres, asked to store a value of the old type in a column of the new one, does so without an error and changes
 * what it says: rounds it, cuts it, or prints it in its own spelling. An instance that has not heard of the change yet would.
 */
export function bendsInAssignment(before: ColumnType, after: ColumnType): boolean {
  return BENDS[before]?.includes(after) ?? false;
}

const BENDS: Partial<Record<ColumnType, readonly ColumnType[]>> = {
  'double precision': ['bigint', 'numeric'],
  numeric: ['bigint', 'double precision', 'numeric'],
  timestamptz: ['date', 'time', 'text', 'timestamp'],
  timestamp: ['date', 'time', 'text'],
  time: ['text'],
  bytea: ['text'],
  inet: ['text'],
  jsonb: ['text'],
  tsrange: ['text'],
  tstzrange: ['text'],
};
