import { isJsonObject, type JsonValue, pointer } from '../../platform/json-value.js';
import { type Place, placeOf } from '../document/schema-places.js';
import { isAnnotation } from './annotations.js';
import { firstDifference } from './first-difference.js';
import { member, memberNames } from './member.js';

interface SchemaDifference {
  readonly pointer: string;
  readonly annotation: boolean;
}

/**
 * All differences between two schemas, walking schema positions only, so that an annotation is told from a property or
 * an enum value that happens to be called `title`.
 */
export function* schemaDifferences(
  before: JsonValue | undefined,
  after: JsonValue | undefined,
  at: string,
  place: Place,
): Generator<SchemaDifference> {
  if (place !== 'data' && place !== 'list' && isJsonObject(before) && isJsonObject(after)) {
    for (const name of memberNames(before, after)) {
      const [old, fresh, here] = [member(before, name), member(after, name), pointer(at, name)];
      if (place === 'map') yield* schemaDifferences(old, fresh, here, 'schema');
      else if (!isAnnotation(name)) yield* schemaDifferences(old, fresh, here, placeOf(name));
      else if (firstDifference(old, fresh, here) !== undefined) yield { pointer: here, annotation: true };
    }
  } else if (place === 'list' && Array.isArray(before) && Array.isArray(after) && before.length === after.length) {
    for (const [i, old] of before.entries()) yield* schemaDifferences(old, after[i], pointer(at, i), 'schema');
  } else {
    const found = firstDifference(before, after, at);
    if (found !== undefined) yield { pointer: found, annotation: false };
  }
}
