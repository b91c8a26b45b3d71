/** The constraints and indexes of both versions, paired: what goes, what comes and what only changes its name. */

import { tableRef } from '../ddl/table-ref.js';
import type { Entity, Property } from '../entity.js';
import { quoteIdent } from '../sql.js';
import type { TableSize } from './operation.js';
import { movesToNewColumn, preparingEntity } from './prepared-type.js';
import { type IndexShape, type TableShape, tableShape } from './shape.js';
import type { TableObject } from './table-object.js';
import { changesType, formerProperty, type Transition } from './transition.js';

export interface ObjectChanges {
  /** As the old version names and defines them. */
  readonly dropped: readonly TableObject[];
  readonly added: readonly TableObject[];
  /** The same in both versions, but for the name. */
  readonly stayed: readonly ObjectPair[];
  /** Spelled the same, and yet another one: a check or a foreign key of a column that changes its type. */
  readonly remade: readonly ObjectPair[];
}

export interface ObjectPair {
  /** As the old version has it. */
  readonly old: TableObject;
  /** As the new version has it. */
  readonly object: TableObject;
}

export function objectsOf(shape: TableShape): TableObject[] {
  return [...shape.constraints, ...shape.indexes.map((index: IndexShape) => ({ ...index, kind: 'index' as const }))];
}

const known = new WeakMap<Transition, ObjectChanges>();

/** Worked out once for each transition. */
export function objectChanges(t: Transition): ObjectChanges {
  const found = known.get(t);
  if (found) return found;
  const before = objectsOf(tableShape(t.home, t.before, t.resolve));
  const renamed = objectsOf(tableShape(t.home, t.renamed, t.resolve));
  const after = objectsOf(tableShape(t.home, t.after, t.resolve));
  const same = (a: TableObject, b: TableObject) => a.name === b.name && a.kind === b.kind && a.definition === b.definition;
  const pairs = before.flatMap((old, i) => {
    const object = after.find((candidate) => same(renamed[i] as TableObject, candidate));
    return object ? [{ old, object }] : [];
  });
  const changes: ObjectChanges = {
    dropped: before.filter((object) => !pairs.some(({ old }) => old === object)),
    added: after.filter((object) => !pairs.some((pair) => pair.object === object)),
    stayed: pairs.filter(({ object }) => !retypedOwner(t, object)),
    remade: pairs.filter(({ object }) => retypedOwner(t, object)),
  };
  known.set(t, changes);
  return changes;
}

/** What changes nothing but its name. */
export function renamedObjects(t: Transition, size: TableSize): readonly ObjectPair[] {
  return objectChanges(t).stayed.filter((pair) => pair.old.name !== pair.object.name && !movesWith(t, pair, size));
}

/** Keys and indexes that stay, and have to be built again over the new column. Several properties may share one: the first has it. */
export function rebuiltObjects(t: Transition, { name }: Property, size: TableSize): readonly ObjectPair[] {
  return objectChanges(t).stayed.filter((pair) => movesWith(t, pair, size)?.name === name);
}

/** Unique keys and foreign keys over the property that are the same in both versions. */
export function stayedKeys(t: Transition, { name }: Property): readonly TableObject[] {
  const { stayed, remade } = objectChanges(t);
  return [...stayed, ...remade]
    .map(({ object }) => object)
    .filter(
      ({ kind, unique, properties }) => (kind === 'unique' || unique || kind === 'foreign key') && properties.includes(name),
    );
}

function movesWith(t: Transition, { object }: ObjectPair, size: TableSize): Property | undefined {
  return propertiesOf(t.after, object).find((property) => movesToNewColumn(t, property, size));
}

/** The property whose change of type a check or a foreign key of the new version comes with. */
export function retypedOwner(t: Transition, object: TableObject): Property | undefined {
  if (object.kind !== 'check' && object.kind !== 'foreign key') return undefined;
  return [...propertiesOf(t.after, object), ...targetOf(t, t.after, object)].find((property) => {
    const was = formerProperty(t, property);
    return was !== undefined && changesType(was, property);
  });
}

/** A column of it gets its type in the switch and no sooner, so that nothing can be built over that beforehand. */
export function waitsForType(t: Transition, object: TableObject, size: TableSize): boolean {
  return [...propertiesOf(t.after, object), ...targetOf(t, t.after, object)].some((property) => {
    const was = formerProperty(t, property);
    return was !== undefined && was.type !== property.type && !movesToNewColumn(t, property, size);
  });
}

/** The property of the entity itself that a foreign key points at. */
function targetOf({ home }: Transition, entity: Entity, { reference }: TableObject): readonly Property[] {
  if (reference?.target !== tableRef(home, entity)) return [];
  return entity.properties.filter(({ column }) => quoteIdent(column) === reference.field);
}

function propertiesOf(entity: Entity, object: TableObject): readonly Property[] {
  return object.properties.flatMap((name) => entity.properties.find((property) => property.name === name) ?? []);
}

/** The object as it is built beforehand: under the names its columns have then. */
export function preparedObject(t: Transition, object: TableObject, size: TableSize): TableObject {
  const after = objectsOf(tableShape(t.home, t.after, t.resolve));
  const preparing = objectsOf(tableShape(t.home, preparingEntity(t, size), t.resolve));
  return preparing[after.findIndex(({ name }) => name === object.name)] as TableObject;
}
