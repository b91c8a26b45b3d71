import { otherVersionSql } from '../model/sealed/stale-sql.js';
import type { SealedTable } from './sealed-table.js';

/** What is encrypted as a whole text, and belongs to no field: the control plane's tables of a tenant. */

interface SealedText {
  /** In `business_store_service`. */
  readonly table: string;
  readonly key: SealedTable['key'];
  /** What it is for. */
  readonly label: string;
  /** Whose it is. */
  readonly of: (key: readonly string[]) => string;
}

export function sealedTexts({ table, key, label, of }: SealedText): SealedTable {
  return {
    name: `texts ${table}`,
    table: `business_store_service.${table}`,
    key,
    about: 'null',
    cells: ['sealed'],
    assignments: (cell) => `sealed = coalesce(${cell(0)}, held.sealed)`,
    erasures: () => {
      throw new Error('texts are about nobody');
    },
    lent: null,
    stale: (cell, { encryptVersion }) => otherVersionSql(cell, encryptVersion),
    renewed: (ring, { key: whose }, _index, cell) => {
      const text = ring.openText(label, of(whose), Buffer.from(cell.slice(2), 'hex'));
      return `\\x${ring.sealText(label, of(whose), text).toString('hex')}`;
    },
  };
}
