/** What one list of JSON values holds beyond another; equal values have equal texts, so that lists compare as bags. */

import { canonicalJson } from '../../platform/canonical-json.js';
import type { JsonValue } from '../../platform/json-value.js';

/** The elements of `list` that `other` does not hold as often, with their places in `list`. */
export function surplus(list: readonly JsonValue[], other: readonly JsonValue[]): { index: number; element: JsonValue }[] {
  const left = new Map<string, number>();
  for (const element of other) {
    const text = canonicalJson(element);
    left.set(text, (left.get(text) ?? 0) + 1);
  }
  return list.flatMap((element, index) => {
    const text = canonicalJson(element);
    const count = left.get(text) ?? 0;
    left.set(text, count - 1);
    return count > 0 ? [] : [{ index, element }];
  });
}
