import { isJsonObject, type JsonValue } from '../../platform/json-value.js';

/** JSON text with the members of every object sorted: equal values give equal texts, so that lists compare as bags. */
function canonicalText(value: JsonValue): string {
  return JSON.stringify(value, (_name, inner: JsonValue) =>
    isJsonObject(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner,
  );
}

/** The elements of `list` that `other` does not hold as often, with their places in `list`. */
export function surplus(list: readonly JsonValue[], other: readonly JsonValue[]): { index: number; element: JsonValue }[] {
  const left = new Map<string, number>();
  for (const element of other) {
    const text = canonicalText(element);
    left.set(text, (left.get(text) ?? 0) + 1);
  }
  return list.flatMap((element, index) => {
    const text = canonicalText(element);
    const count = left.get(text) ?? 0;
    left.set(text, count - 1);
    return count > 0 ? [] : [{ index, element }];
  });
}
