/** From two versions of an entity to the operations between them, complete: what no operation carries out is in none of them. */

import type { Change, ChangeKind } from '../change/change.js';
import type { Property } from '../entity.js';
import { ownerOf } from './encryption-objects.js';
import { objectChanges } from './objects.js';
import type { Operation, OperationKind, OperationSpec } from './operation.js';
import { addCheck } from './operations/add-check.js';
import { addIndex } from './operations/add-index.js';
import { addProperty } from './operations/add-property.js';
import { addRelation } from './operations/add-relation.js';
import { addUnique } from './operations/add-unique.js';
import { changeEncryption } from './operations/change-encryption.js';
import { changeExtras } from './operations/change-extras.js';
import { changeRowRules } from './operations/change-row-rules.js';
import { changeRules } from './operations/change-rules.js';
import { changeSubject } from './operations/change-subject.js';
import { changeType } from './operations/change-type.js';
import { changeWords } from './operations/change-words.js';
import { dropCheck } from './operations/drop-check.js';
import { dropIndex } from './operations/drop-index.js';
import { dropProperty } from './operations/drop-property.js';
import { dropRelation } from './operations/drop-relation.js';
import { dropUnique } from './operations/drop-unique.js';
import { relaxValue } from './operations/relax-value.js';
import { renameEntity } from './operations/rename-entity.js';
import { renameProperty } from './operations/rename-property.js';
import { requireValue } from './operations/require-value.js';
import { restoreProperty } from './operations/restore-property.js';
import { changesRowRules } from './row-rule-changes.js';
import { isCheckedInSql, isLoosened, isNoRule, needsReading } from './rules-needed.js';
import { isFirst } from './slot-objects.js';
import { swapped } from './swapped.js';
import type { TableObject } from './table-object.js';
import { changesEncryption, changesType, droppedProperties, formerProperty, type Transition } from './transition.js';

/** @param changes what `compareEntities` finds between the two: validation and texts have no object of their own. */
export function operationsBetween(t: Transition, changes: readonly Change[]): readonly Operation[] {
  const specs: OperationSpec[] = [
    ...droppedProperties(t).map(({ name }) => ({ kind: 'drop-property' as const, property: name })),
    ...t.after.properties.flatMap((property) => propertySpecs(t, property)),
    ...objectSpecs(t),
    ...(t.before.keepsExtras === t.after.keepsExtras ? [] : [{ kind: 'change-extras' as const }]),
    ...(changesRowRules(t) ? [{ kind: 'change-row-rules' as const }] : []),
    ...changes.flatMap((change) => documentSpec(t, change)),
    // Last, because its statements end the use of the old name.
    ...(t.before.table === t.after.table ? [] : [{ kind: 'rename-entity' as const }]),
  ];
  return specs.map((spec) => operationOf(t, spec));
}

/** The way back, operation by operation, in the same order: what comes first on the way there does so on the way back. */
export function inverseOf(t: Transition, operations: readonly Operation[]): readonly Operation[] {
  const back = swapped(t);
  return operations.map(({ inverse }) => operationOf(back, inverse));
}

function propertySpecs(t: Transition, property: Property): OperationSpec[] {
  const { name } = property;
  if (t.kept.has(name)) return [{ kind: 'restore-property', property: name }];
  const was = formerProperty(t, property);
  if (!was) return [{ kind: 'add-property', property: name }];
  const kinds: OperationKind[] = [
    ...(was.name === name ? [] : ['rename-property' as const]),
    ...(changesType(was, property)
      ? [changesEncryption(was, property) ? ('change-encryption' as const) : ('change-type' as const)]
      : []),
    ...((property.required && !was.required) || (was.nullable && !property.nullable) ? ['require-value' as const] : []),
    ...((was.required && !property.required) || (!was.nullable && property.nullable) ? ['relax-value' as const] : []),
  ];
  return kinds.map((kind) => ({ kind, property: name }));
}

const ADD: Record<TableObject['kind'], OperationKind> = {
  check: 'add-check',
  unique: 'add-unique',
  'primary key': 'add-unique',
  'foreign key': 'add-relation',
  index: 'add-index',
};

const DROP: Record<TableObject['kind'], OperationKind> = {
  check: 'drop-check',
  unique: 'drop-unique',
  'primary key': 'drop-unique',
  'foreign key': 'drop-relation',
  index: 'drop-index',
};

function kindOf({ kind, unique }: TableObject): TableObject['kind'] {
  return unique ? 'unique' : kind;
}

/** Those that are not part of the operation of a property. */
function objectSpecs(t: Transition): OperationSpec[] {
  const { dropped, added } = objectChanges(t);
  const gone = new Set(droppedProperties(t).map(({ name }) => name));
  const isNew = (name: string): boolean => {
    const property = t.after.properties.find((candidate) => candidate.name === name);
    return property !== undefined && (t.kept.has(name) || formerProperty(t, property) === undefined);
  };
  const retyped = (name: string): boolean => {
    const property = t.after.properties.find((candidate) => candidate.name === name);
    const was = property && formerProperty(t, property);
    return Boolean(was && property && changesType(was, property));
  };
  const nameAfter = new Map([...t.renames].map(([name, from]) => [from, name]));
  const isOwn = ({ kind, properties }: TableObject, [first = '', second]: readonly string[], fresh: (name: string) => boolean) =>
    second === undefined &&
    (fresh(first) || (kind === 'check' && properties.length > 0 && retyped(nameAfter.get(first) ?? first)));
  return [
    ...dropped
      .filter((object) => isFirst(object) && !ownerOf(t, object, 'dropped'))
      .filter((object) => !isOwn(object, object.properties, (name) => gone.has(name)))
      .map((object) => ({ kind: DROP[kindOf(object)], object })),
    ...added
      .filter((object) => isFirst(object) && !ownerOf(t, object, 'added') && !isOwn(object, object.properties, isNew))
      .map((object) => ({ kind: ADD[kindOf(object)], object })),
  ];
}

/** Kinds of change that the columns, constraints and indexes say themselves. */
const CARRIED_OUT: ReadonlySet<ChangeKind> = new Set<ChangeKind>([
  ...(['entity-renamed', 'property-added', 'property-removed', 'property-renamed', 'type-changed'] as const),
  'encryption-changed',
  ...(['nullable-on', 'nullable-off', 'required-on', 'required-off', 'extras-changed'] as const),
  ...(['unique-added', 'unique-removed', 'index-added', 'index-removed', 'index-changed'] as const),
  ...(['relation-added', 'relation-removed', 'relation-changed'] as const),
]);

/** Of the kinds above, some change nothing in the table: the way back of a relation, an index that is there already. */
function isCarriedOut(t: Transition, { kind, property }: Change): boolean {
  // Renaming carries out whatever is only called otherwise.
  if (t.renames.size > 0 || t.before.table !== t.after.table) return true;
  if (kind === 'entity-renamed') return false;
  const object = OBJECT_OF[kind];
  if (object === undefined) return true;
  const { dropped, added, remade } = objectChanges(t);
  return [...dropped, ...added, ...remade.map((pair) => pair.object)].some(
    (each) => kindOf(each) === object && (property === undefined || each.properties.includes(property)),
  );
}

const OBJECT_OF: Partial<Record<ChangeKind, TableObject['kind']>> = {
  'unique-added': 'unique',
  'unique-removed': 'unique',
  'index-added': 'index',
  'index-removed': 'index',
  'index-changed': 'index',
  'relation-added': 'foreign key',
  'relation-removed': 'foreign key',
  'relation-changed': 'foreign key',
};

function documentSpec(t: Transition, change: Change): OperationSpec[] {
  if (needsReading(t, change)) return [{ kind: 'change-rules', change }];
  if (CARRIED_OUT.has(change.kind)) return isCarriedOut(t, change) ? [] : [{ kind: 'change-words', change }];
  switch (change.kind) {
    case 'row-rules-changed':
      return changesRowRules(t) ? [] : [{ kind: 'change-words', change }];
    case 'subject-changed':
      return [{ kind: 'change-subject', change }];
    case 'checks-changed':
      return isCheckedInSql(t, change) ? [] : [{ kind: 'change-rules', change }];
    case 'validation-changed':
    case 'schema-changed':
      return [{ kind: isNoRule(change) || isLoosened(t, change) ? 'change-words' : 'change-rules', change }];
    default:
      return [{ kind: 'change-words', change }];
  }
}

/** Makes the operation of a kind. Throws when `spec` names what the transition does not have. */
export function operationOf(t: Transition, spec: OperationSpec): Operation {
  const { kind } = spec;
  switch (kind) {
    case 'add-property':
    case 'adopt-property':
      return addProperty(t, propertyOf(t.after.properties, spec));
    case 'drop-property':
      return dropProperty(t, propertyOf(t.before.properties, spec));
    case 'restore-property':
      return restoreProperty(t, propertyOf(t.after.properties, spec));
    case 'rename-property':
      return renameProperty(t, propertyOf(t.after.properties, spec));
    case 'change-type':
      return changeType(t, propertyOf(t.after.properties, spec));
    case 'change-encryption':
      return changeEncryption(t, propertyOf(t.after.properties, spec));
    case 'require-value':
      return requireValue(t, propertyOf(t.after.properties, spec));
    case 'relax-value':
      return relaxValue(t, propertyOf(t.after.properties, spec));
    case 'add-check':
      return addCheck(t, given(spec, spec.object));
    case 'drop-check':
      return dropCheck(t, given(spec, spec.object));
    case 'add-unique':
      return addUnique(t, given(spec, spec.object));
    case 'drop-unique':
      return dropUnique(t, given(spec, spec.object));
    case 'add-index':
      return addIndex(t, given(spec, spec.object));
    case 'drop-index':
      return dropIndex(t, given(spec, spec.object));
    case 'add-relation':
      return addRelation(t, given(spec, spec.object));
    case 'drop-relation':
      return dropRelation(t, given(spec, spec.object));
    case 'change-extras':
      return changeExtras(t);
    case 'change-row-rules':
      return changeRowRules(t);
    case 'change-subject':
      return changeSubject(t, given(spec, spec.change));
    case 'change-rules':
      return changeRules(t, given(spec, spec.change));
    case 'change-default':
    case 'change-words':
      return changeWords(given(spec, spec.change));
    case 'rename-entity':
      return renameEntity(t);
  }
}

function propertyOf(properties: readonly Property[], spec: OperationSpec): Property {
  return given(
    spec,
    properties.find(({ name }) => name === spec.property),
  );
}

function given<T>({ kind, property }: OperationSpec, value: T | undefined): T {
  if (value === undefined) throw new Error(`no such thing for ${kind} ${property ?? ''}`);
  return value;
}
