import { qualified } from '../model/ddl/table-ref.js';
import type { TenantHome } from '../model/entity.js';
import { type PastKind, pastTable } from '../model/past/past-tables.js';
import type { SealedProperty } from '../model/sealed/field-ciphers.js';
import { staleCellSql } from '../model/sealed/stale-sql.js';
import { quoteLiteral } from '../model/sql.js';
import { type SealedTable, UnknownField } from './sealed-table.js';

/** What was encrypted in each version of an entity's document, by physical column: rows of the past are read by their own. */
export type SealedVersions = ReadonlyMap<number, ReadonlyMap<string, SealedProperty>>;

/** Former versions of records, and deleted ones. A column of one name holds cells in every version, or it would have another name. */
export function pastCells(home: TenantHome, entityId: string, kind: PastKind, versions: SealedVersions): SealedTable {
  const columns = [...new Set([...versions.values()].flatMap((properties) => [...properties.keys()]))].sort();
  const texts = columns.map((column) => `body ->> ${quoteLiteral(column)}`);
  return {
    name: `${kind} ${entityId}`,
    table: qualified(home, pastTable(kind, entityId)),
    key: [
      ['id', 'uuid'],
      ['ended_at', 'timestamptz'],
      ['revision', 'bigint'],
    ],
    about: 'version',
    cells: texts.map((text) => `(${text})::bytea`),
    assignments: (cell) => {
      const pairs = columns.map((column, index) => `${quoteLiteral(column)}, (${cell(index)})::text`);
      return `body = held.body || jsonb_strip_nulls(jsonb_build_object(${pairs.join(', ')}))`;
    },
    erasures: (isGone) => {
      const gone = columns.map((column, index) => `case when ${isGone(index)} then ${quoteLiteral(column)} end`);
      return `body = held.body - array_remove(array[${gone.join(', ')}], null)`;
    },
    // What is past is never changed.
    lent: { toRead: null, toWrite: 'update (body)' },
    stale: staleCellSql,
    renewed: (ring, { key: [id], about }, index, cell) => {
      const property = versions.get(Number(about))?.get(columns[index] ?? '');
      if (!property || id === undefined) throw new UnknownField();
      return ring.renewed(entityId, property, id, cell);
    },
  };
}
