import { isJsonObject, type JsonValue, pointer } from '../../platform/json-value.js';
import { member, memberNames } from './member.js';

/**
 * Where two values first differ as JSON values: the order of members does not count, the order of elements does.
 * Undefined when they are equal. -0 and 0 differ, as a column keeps them apart.
 */
export function firstDifference(a: JsonValue | undefined, b: JsonValue | undefined, at: string): string | undefined {
  if (Object.is(a, b)) return undefined;
  if (Array.isArray(a) && Array.isArray(b)) {
    for (let i = 0; i < Math.max(a.length, b.length); i++) {
      const found = firstDifference(a[i], b[i], pointer(at, i));
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (isJsonObject(a) && isJsonObject(b)) {
    for (const name of memberNames(a, b)) {
      const found = firstDifference(member(a, name), member(b, name), pointer(at, name));
      if (found !== undefined) return found;
    }
    return undefined;
  }
  return at;
}

export function isSameValue(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  return firstDifference(a, b, '') === undefined;
}
