/**
 * Foreign keys. They run after every table they mention exists, so that self and mutual references work. Only ever on a
 * column that is still empty: Postgres validates existing rows as the table's owner, who under FORCE ROW LEVEL SECURITY
 * sees none, so that a dangling value passes without a word (seen on 15.18).
 */

import type { Entity, Property, Relation, TenantHome } from '../entity.js';
import { derivedName } from '../names.js';
import { quoteIdent } from '../sql.js';
import { columnOf } from './column.js';
import { tableRef } from './table-ref.js';

/** Finds an entity of the same tenant by its exact logical name. */
export type Resolve = (name: string) => Entity | undefined;

const ON_DELETE: Record<Relation['onDelete'], string> = { restrict: 'restrict', setNull: 'set null', cascade: 'cascade' };

/** All relations of an entity, in document order. */
export function addRelations(home: TenantHome, entity: Entity, resolve: Resolve): readonly string[] {
  return entity.properties.flatMap((property) => addRelation(home, entity, property, resolve));
}

/**
 * The foreign key of one property, and an index on its column unless a key or btree index starts with it: without one,
 * each delete of a target scans this table. Empty without a relation. Throws when the target is unknown, which
 * `relationFaults` tells beforehand.
 */
export function addRelation(home: TenantHome, entity: Entity, property: Property, resolve: Resolve): readonly string[] {
  const { relation, column } = property;
  if (!relation) return [];
  const target = relation.entity === entity.name ? entity : resolve(relation.entity);
  if (!target) throw new Error(`no entity ${JSON.stringify(relation.entity)} to relate to`);
  const from = tableRef(home, entity);
  const foreignKey = [
    `alter table ${from}`,
    `add constraint ${quoteIdent(relationConstraintName(entity, property))}`,
    `foreign key (${quoteIdent(column)})`,
    `references ${tableRef(home, target)} (${columnOf(target, relation.field)})`,
    `on delete ${ON_DELETE[relation.onDelete]}`,
  ].join(' ');
  if (leadsAnIndex(entity, property)) return [foreignKey];
  const index = quoteIdent(derivedName([entity.table, column], 'fkey_idx'));
  return [foreignKey, `create index ${index} on ${from} using btree (${quoteIdent(column)})`];
}

/** The foreign key's name, by which a violation is told apart. */
export function relationConstraintName(entity: Entity, { column }: Property): string {
  return derivedName([entity.table, column], 'fkey');
}

function leadsAnIndex(entity: Entity, { name }: Property): boolean {
  return (
    entity.uniqueKeys.some((key) => key.properties[0] === name) ||
    entity.indexes.some((index) => index.method === 'btree' && index.fields[0]?.property === name)
  );
}
