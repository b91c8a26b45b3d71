/**
 * A table made only to see how Postgres prints what a document asks for: its conditions, types and policies come back in
 * another spelling than they went in. Nothing else refers to it, and its transaction is rolled back.
 */

import { rowRulePolicies } from '../ddl/row-rule-policies.js';
import { rowSecurity } from '../ddl/row-security.js';
import { tableRef } from '../ddl/table-ref.js';
import type { Entity, TenantHome } from '../entity.js';
import { quoteIdent } from '../sql.js';
import { sortedByName, type TableCatalog } from './catalog.js';
import type { TableShape } from './shape.js';

/** To be run as the owner role. Without foreign keys, each of which would lock the table it refers to. */
export function scratchTable(home: TenantHome, entity: Entity, shape: TableShape, name: string): string[] {
  const scratch = { ...entity, table: name };
  const ref = tableRef(home, scratch);
  const lines = [
    ...shape.columns.map((column) => `${quoteIdent(column.name)} ${column.type}${column.notNull ? ' not null' : ''}`),
    ...namesOf(shape, name).constraints.map(([own, { definition }]) => `constraint ${quoteIdent(own)} ${definition}`),
  ];
  return [
    `create table ${ref} (\n  ${lines.join(',\n  ')}\n)`,
    ...namesOf(shape, name).indexes.map(
      ([own, { definition, unique }]) => `create ${unique ? 'unique index' : 'index'} ${quoteIdent(own)} on ${ref} ${definition}`,
    ),
    ...rowSecurity(home, ref),
    ...rowRulePolicies(home, ref, entity.rowRules),
  ];
}

/** What the scratch table's catalog says, under the names the table of the shape has. */
export function catalogFromScratch(shape: TableShape, scratch: TableCatalog): TableCatalog {
  const { constraints, indexes } = namesOf(shape, scratch.table);
  const real = new Map([...constraints, ...indexes].map(([own, { name }]) => [own, name]));
  const renamed = <T extends { readonly name: string }>(items: readonly T[]): T[] =>
    sortedByName(items.map((item) => ({ ...item, name: real.get(item.name) ?? item.name })));
  return { ...scratch, table: shape.table, constraints: renamed(scratch.constraints), indexes: renamed(scratch.indexes) };
}

/** Names of indexes are the schema's, not the table's: those of the scratch table are numbered. */
function namesOf(shape: TableShape, table: string) {
  const numbered = <T>(items: readonly T[], kind: string): [name: string, item: T][] =>
    items.map((item, i) => [`${table}.${kind}${i}`, item]);
  return {
    constraints: numbered(
      shape.constraints.filter(({ kind }) => kind !== 'foreign key'),
      'c',
    ),
    indexes: numbered(shape.indexes, 'i'),
  };
}
