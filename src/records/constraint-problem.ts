import { databaseErrorOf } from '../database/sqlstate.js';
import { Overtaken } from '../http/overtaken.js';
import { relationConstraintName } from '../model/ddl/add-relation.js';
import { uniqueKeyOfConstraint } from '../model/ddl/sealed-index.js';
import type { Entity, Property, Relation } from '../model/entity.js';
import { UNFINISHED } from '../model/plan/operation.js';
import type { ConflictKey } from '../model/statements/conflict-key.js';
import { pointer } from '../platform/json-value.js';
import { Problem } from '../platform/problem.js';
import { rowForbidden, WOULD_BE } from './row-forbidden.js';

/** The rules of the version that is about to come already hold for every write. */
function beingChanged({ name }: Entity): Problem {
  return new Problem(
    'entity/change-in-progress',
    `A new version of ${JSON.stringify(name)} is being prepared, and a value does not fit it. GET …/entities/${name}/changes tells what is changing.`,
  );
}

/** Of a policy that refuses what was written the message has the name, in whatever language. */
const OF_ROW_RULES = /\brow_rules_(?:read|insert|update|delete)\b/;

/** What a broken constraint means to the client: the properties by name, never the values and never Postgres' own text. */
export function constraintProblem(error: unknown, entity: Entity, removing: boolean): unknown {
  const fault = databaseErrorOf(error);
  if (!fault) return error;
  const { code, constraint } = fault;
  if (code === '42501' && OF_ROW_RULES.test(fault.message)) {
    return rowForbidden(entity, WOULD_BE);
  }
  if (constraint?.endsWith(UNFINISHED)) {
    // A writer that has not heard of the change keeps nothing in step with it: to be run again by one that has.
    return code === '23514' && !removing && entity.shadows === undefined ? error : beingChanged(entity);
  }
  // As Postgres has it: a statement does not change one record twice.
  if (code === '21000') return new Problem('record/key-repeated', 'Two records of the body have the same key. Send it once.');
  if (code === '23505') return taken(uniqueKeyOfConstraint(entity, constraint ?? '') ?? ['id']);
  if ((code === '23503' || code === '23001') && removing) {
    return new Problem('record/still-referenced', 'Other records refer to this one. Delete or change those first.');
  }
  if (code === '23503') {
    const property = entity.properties.find((candidate) => relationConstraintName(entity, candidate) === constraint);
    // The constraint of another entity: this record's key is being changed while others refer to it.
    if (!property?.relation) return new Problem('record/still-referenced', 'Other records refer to the value that would change.');
    return referenceMissing(property, property.relation);
  }
  return error;
}

/** Another record has these members. */
export function taken(members: readonly string[]): Problem {
  return new Problem('record/duplicate', `Another record has the same ${members.join(' and ')}.`, {
    errors: members.map((member) => ({ pointer: pointer('', member), rule: 'unique', message: 'is already taken' })),
  });
}

/** The same whether there is none, or none that the caller may see. */
export function referenceMissing({ name }: Property, { entity: target, field }: Relation): Problem {
  return new Problem('record/reference-missing', `There is no ${target} with this ${field}.`, {
    errors: [{ pointer: pointer('', name), rule: 'relation', message: `must be the ${field} of an existing ${target}` }],
  });
}

/**
 * What a broken constraint means is known here, where the entity is.
 * @param key by which records are looked for before they are inserted. @throws Overtaken
 */
export async function explained<T>(entity: Entity, removing: boolean, writing: Promise<T>, key?: ConflictKey): Promise<T> {
  try {
    return await writing;
  } catch (error) {
    if (key && isOfKey(error, entity, key)) throw new Overtaken();
    throw constraintProblem(error, entity, removing);
  }
}

/**
 * An encrypted key is two indexes, and ON CONFLICT looks into one. While a rotation fills both, of two who insert the same value at once
 * the second may meet the other first.
 */
function isOfKey(error: unknown, entity: Entity, { members }: ConflictKey): boolean {
  const { code, constraint = '' } = databaseErrorOf(error) ?? {};
  if (code !== '23505' || !members.some(({ cipher }) => cipher)) return false;
  const names = uniqueKeyOfConstraint(entity, constraint) ?? [];
  return names.length === members.length && members.every(({ name }) => names.includes(name));
}
