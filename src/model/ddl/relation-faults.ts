import { pointer } from '../../platform/json-value.js';
import type { Fault } from '../../platform/problem.js';
import type { ColumnType, Entity, Property, Relation } from '../entity.js';
import type { Resolve } from './add-relation.js';
import { holdsNull } from './column.js';

/**
 * What stands in the way of an entity's foreign keys; empty when `addRelations` will succeed. Asked before any DDL, with
 * the tenant's own entities only: a target is found by its exact logical name, so a schema-qualified name, another case
 * or another tenant's entity is simply unknown. The entity itself counts as it is now being defined.
 */
export function relationFaults(entity: Entity, resolve: Resolve): Fault[] {
  return entity.properties.flatMap((property) => {
    const { relation } = property;
    if (!relation) return [];
    const at = pointer(pointer('/properties', property.name), 'relation');
    return [...targetFaults(entity, property, relation, at, resolve), ...onDeleteFaults(property, relation, at)];
  });
}

function targetFaults(entity: Entity, property: Property, relation: Relation, at: string, resolve: Resolve): Fault[] {
  const target = relation.entity === entity.name ? entity : resolve(relation.entity);
  // Compared once more: a forgiving look-up must not widen what a document can reach.
  if (target?.name !== relation.entity) {
    return [
      fault(
        at,
        'entity',
        `there is no entity named exactly ${quoted(relation.entity)} in this tenant: define it first, or correct the name`,
      ),
    ];
  }
  const found = fieldType(target, relation.field);
  if (typeof found !== 'string') return [fault(at, 'field', found.message)];
  if (found !== property.type) {
    return [
      fault(
        at,
        'field',
        `${quoted(property.name)} is stored as ${property.type} but ${quoted(relation.field)} of ${quoted(relation.entity)} as ${found}: ` +
          'give both the same type and format',
      ),
    ];
  }
  return [];
}

/** The column type a relation compares with, or why the field cannot be pointed at. */
function fieldType(target: Entity, field: string): ColumnType | { readonly message: string } {
  if (field === 'id') return 'uuid';
  const property = target.properties.find((candidate) => candidate.name === field);
  if (!property) {
    return {
      message: `${quoted(target.name)} has no property ${quoted(field)}: use "id" or a property that is unique on its own`,
    };
  }
  if (property.encrypted) {
    return { message: `${quoted(field)} of ${quoted(target.name)} is encrypted, which the database cannot compare: use "id"` };
  }
  if (!target.uniqueKeys.some((key) => key.properties.length === 1 && key.properties[0] === field)) {
    return {
      message: `${quoted(field)} of ${quoted(target.name)} is not unique on its own: declare it "unique": true, or use "id"`,
    };
  }
  return property.type;
}

function onDeleteFaults(property: Property, relation: Relation, at: string): Fault[] {
  if (relation.onDelete !== 'setNull' || holdsNull(property)) return [];
  return [
    fault(
      at,
      'onDelete',
      `${quoted(property.name)} is required and not nullable, so it cannot be emptied: use "restrict" or "cascade", or make it optional`,
    ),
  ];
}

function fault(at: string, member: 'entity' | 'field' | 'onDelete', message: string): Fault {
  return { pointer: pointer(at, member), rule: 'relation', message };
}

/** JSON spelling, so that control characters in a hostile name stay visible. */
function quoted(name: string): string {
  return JSON.stringify(name);
}
