import type { Row } from '../database/statement-batch.js';
import { BrokenCell } from '../model/sealed/cell.js';
import { type Keyring, UnknownKeyVersion } from '../model/sealed/keyring.js';
import type { RenewedRow, SealedTable } from './sealed-table.js';

export interface Renewal {
  readonly rows: readonly RenewedRow[];
  /** Values that do not open: where they stand. */
  readonly broken: readonly string[];
}

/**
 * The values of a page as they would be written now. Those about somebody whose key was destroyed stay what they are, unreadable.
 * @param page rows of `staleRowsStatement`, read under the ring's epoch: a version that the ring does not have is none
 * @throws SubjectsNeeded, UnknownField
 */
export function renewedRows(table: SealedTable, ring: Keyring, page: readonly Row[]): Renewal {
  const rows: RenewedRow[] = [];
  const broken: string[] = [];
  for (const row of page) {
    const key = row.slice(0, table.key.length) as string[];
    const about = row[key.length] ?? null;
    const before = row.slice(key.length + 1);
    const after = before.map((cell, index) => {
      if (cell === null) return null;
      try {
        return table.renewed(ring, { key, about }, index, cell);
      } catch (error) {
        if (!(error instanceof BrokenCell || error instanceof UnknownKeyVersion)) throw error;
        broken.push(`${table.name} ${key[0]}`);
        return null;
      }
    });
    if (after.some((cell) => cell !== null)) rows.push({ key, before, after });
  }
  return { rows, broken };
}
