import { qualified } from '../model/ddl/table-ref.js';
import type { TenantHome } from '../model/entity.js';
import type { SealedProperty } from '../model/sealed/field-ciphers.js';
import { staleCellSql } from '../model/sealed/stale-sql.js';
import { quoteIdent } from '../model/sql.js';
import { type SealedTable, UnknownField } from './sealed-table.js';

/**
 * Records as they are, also of what was dropped and can be restored, and of what is being prepared. A record whose cells are renewed says
 * what it said: its revision and its times stay, and nothing of it is told.
 * @param table physical name, and whether its entity was dropped, so that nobody may read it
 * @param columns by their physical names
 */
export function liveCells(
  home: TenantHome,
  entityId: string,
  { table, isDropped }: { readonly table: string; readonly isDropped: boolean },
  columns: ReadonlyMap<string, SealedProperty>,
): SealedTable {
  const properties = [...columns.values()];
  const cells = [...columns.keys()].map((column) => quoteIdent(column));
  return {
    name: `records ${entityId}`,
    table: qualified(home, table),
    key: [['id', 'uuid']],
    about: 'null',
    cells,
    assignments: (cell) => cells.map((column, index) => `${column} = coalesce(${cell(index)}, held.${column})`).join(',\n    '),
    erasures: (isGone) =>
      cells.map((column, index) => `${column} = case when ${isGone(index)} then null else held.${column} end`).join(',\n    '),
    lent: isDropped ? { toRead: 'select', toWrite: 'select, update' } : { toRead: null, toWrite: null },
    stale: staleCellSql,
    renewed: (ring, { key: [id] }, index, cell) => {
      const property = properties[index];
      if (!property || id === undefined) throw new UnknownField();
      return ring.renewed(entityId, property, id, cell);
    },
  };
}
