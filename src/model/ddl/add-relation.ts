/**
 * Foreign keys. They run after every table they mention exists, so that self and mutual references work. Only ever on a
 * column that is still empty: Postgres validates existing rows as the table's owner, who under FORCE ROW LEVEL SECURITY
 * sees none, so that a dangling value passes without a word (seen on 15.18).
 */

import type { Entity, Property, Relation, TenantHome } from '../entity.js';
import { derivedName } from '../names.js';
import { quoteIdent } from '../sql.js';
import { addConstraint } from './add-constraint.js';
import { columnOf } from './column.js';
import { tableRef } from './table-ref.js';

/** Finds an entity of the same tenant by its exact logical name. */
export type Resolve = (name: string) => Entity | undefined;

const ON_DELETE: Record<Relation['onDelete'], string> = { restrict: 'restrict', setNull: 'set null', cascade: 'cascade' };

/** All relations of an entity, in document order. */
export function addRelations(home: TenantHome, entity: Entity, resolve: Resolve): readonly string[] {
  return entity.properties.flatMap((property) => addRelation(home, entity, property, resolve));
}

/** The foreign key of one property, and the index that goes with it. Empty without a relation. */
export function addRelation(home: TenantHome, entity: Entity, property: Property, resolve: Resolve): readonly string[] {
  if (!property.relation) return [];
  const name = relationConstraintName(entity, property);
  const foreignKey = addConstraint(home, entity, {
    name,
    definition: foreignKeyDefinition(home, entity, property, resolve),
  });
  const index = foreignKeyIndex(entity, property);
  if (!index) return [foreignKey];
  return [foreignKey, `create index ${quoteIdent(index.name)} on ${tableRef(home, entity)} ${index.definition}`];
}

/** A foreign key's two ends, quoted: a column here, a field of the target's table. */
export interface Reference {
  readonly column: string;
  readonly target: string;
  readonly field: string;
}

/** Throws when the target is unknown, which `relationFaults` tells beforehand. */
export function referenceOf(home: TenantHome, entity: Entity, property: Property, resolve: Resolve): Reference {
  const { relation, column } = property;
  const target = relation && (relation.entity === entity.name ? entity : resolve(relation.entity));
  if (!target) throw new Error(`no entity ${JSON.stringify(relation?.entity)} to relate to`);
  return { column: quoteIdent(column), target: tableRef(home, target), field: columnOf(target, relation.field) };
}

/** `foreign key ("album") references … on delete restrict` */
export function foreignKeyDefinition(home: TenantHome, entity: Entity, property: Property, resolve: Resolve): string {
  const { column, target, field } = referenceOf(home, entity, property, resolve);
  const action = ON_DELETE[property.relation?.onDelete ?? 'restrict'];
  return `foreign key (${column}) references ${target} (${field}) on delete ${action}`;
}

/** An index on a relation's column, unless a key or btree index starts with it: each delete of a target would scan this table. */
export function foreignKeyIndex(
  entity: Entity,
  property: Property,
): { readonly name: string; readonly definition: string } | undefined {
  if (leadsAnIndex(entity, property)) return undefined;
  const { column } = property;
  return { name: derivedName([entity.table, column], 'fkey_idx'), definition: `using btree (${quoteIdent(column)})` };
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
